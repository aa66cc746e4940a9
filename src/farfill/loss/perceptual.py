"""Perceptual loss: completed and original picture agree in a pretrained network's features."""

from __future__ import annotations

from torch import Tensor

from farfill.backbone.protocol import Backbone
from farfill.types import Batch, Completion


class Perceptual:
    r"""Sum over layers of the mean of :math:`|\phi(\tilde x) - \phi(x)|`.

    After Johnson et al. 2016 (arXiv 1603.08155), with absolute differences as in Liu et al. 2018
    (arXiv 1804.07723, equation 3). The completed picture is compared, so only what was painted
    into the hole counts, seen together with what is around it.

    Args:
        weight: Of the term.
        backbone: Gives the features.
    """

    def __init__(self, weight: float, backbone: Backbone) -> None:
        self.weight = weight
        self.backbone = backbone

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``perceptual``, a weighted scalar."""
        painted = self.backbone(completion.completed(batch.image, batch.hole))
        original = self.backbone(batch.image)
        distances = [(p - o).abs().mean() for p, o in zip(painted, original, strict=True)]
        return {"perceptual": self.weight * sum(distances[1:], distances[0])}
