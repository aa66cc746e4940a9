"""The hinge objective, which later inpainting systems took up."""

import torch.nn.functional as F
from torch import Tensor

from farfill.gan.objective import PointwiseGAN


class Hinge(PointwiseGAN):
    """Scores count for the critics only inside the margin of 1.

    Lim and Ye 2017 (arXiv 1705.02894); DeepFill v2 uses it. Not in the paper.
    """

    def real_loss(self, score: Tensor) -> Tensor:
        r""":math:`\max(0, 1 - D(x))`."""
        return F.relu(1 - score)

    def fake_loss(self, score: Tensor) -> Tensor:
        r""":math:`\max(0, 1 + D(\tilde x))`."""
        return F.relu(1 + score)

    def generator_loss(self, score: Tensor) -> Tensor:
        r""":math:`-D(\tilde x)`."""
        return -score
