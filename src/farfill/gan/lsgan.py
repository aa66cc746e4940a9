"""Least squares instead of cross-entropy."""

from torch import Tensor

from farfill.gan.objective import PointwiseGAN


class LSGAN(PointwiseGAN):
    """Real pictures are to score 1, completed ones 0; the generator wants 1.

    Mao et al. 2017 (arXiv 1611.04076), equation 9.
    """

    def real_loss(self, score: Tensor) -> Tensor:
        r""":math:`(D(x) - 1)^2 / 2`."""
        return (score - 1).square() / 2

    def fake_loss(self, score: Tensor) -> Tensor:
        r""":math:`D(\tilde x)^2 / 2`."""
        return score.square() / 2
