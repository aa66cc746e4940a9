"""Pretrained networks whose features losses and distances compare."""
