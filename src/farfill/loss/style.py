"""Style loss: features occur together as often as in the original picture."""

from torch import Tensor

from farfill.loss.perceptual import Perceptual


class Style(Perceptual):
    r"""The perceptual loss of Gram matrices: the mean of :math:`|G(\tilde x) - G(x)|` per layer.

    After Gatys et al. 2016 (arXiv 1508.06576) and Liu et al. 2018 (arXiv 1804.07723, equation 4),
    of the completed picture.
    """

    name = "style"

    def compared(self, features: Tensor) -> Tensor:
        """Their Gram matrix."""
        return gram(features)


def gram(features: Tensor) -> Tensor:
    """Products of all pairs of channels, ``(N, C, h, w)`` to ``(N, C, C)``, over ``C h w``."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()
