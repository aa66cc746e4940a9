"""Pretrained networks whose features the perceptual and the style loss compare."""
