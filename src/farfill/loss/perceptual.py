"""Perceptual loss: completed and original picture agree in a pretrained network's features."""

from __future__ import annotations

from torch import Tensor

from farfill.loss.feature_distance import FeatureDistance


class Perceptual(FeatureDistance):
    r"""Sum over layers of the mean of :math:`|\phi(\tilde x) - \phi(x)|`.

    After Johnson et al. 2016 (arXiv 1603.08155), with absolute differences as in Liu et al. 2018
    (arXiv 1804.07723, equation 3). The completed picture is compared, so only what was painted
    into the hole counts, seen together with what is around it.
    """

    name = "perceptual"

    def compared(self, features: Tensor) -> Tensor:
        """The features themselves."""
        return features
