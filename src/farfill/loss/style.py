"""Style loss: features occur together as often as in the original picture."""

from __future__ import annotations

from torch import Tensor

from farfill.backbone.protocol import Backbone
from farfill.types import Batch, Completion


class Style:
    r"""Sum over layers of the mean of :math:`|G(\tilde x) - G(x)|`, ``G`` the Gram matrix.

    After Gatys et al. 2016 (arXiv 1508.06576) and Liu et al. 2018 (arXiv 1804.07723, equation 4),
    of the completed picture.

    Args:
        weight: Of the term.
        backbone: Gives the features.
    """

    def __init__(self, weight: float, backbone: Backbone) -> None:
        self.weight = weight
        self.backbone = backbone

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``style``, a weighted scalar."""
        painted = self.backbone(completion.completed(batch.image, batch.hole))
        original = self.backbone(batch.image)
        distances = [
            (gram(p) - gram(o)).abs().mean() for p, o in zip(painted, original, strict=True)
        ]
        return {"style": self.weight * sum(distances[1:], distances[0])}


def gram(features: Tensor) -> Tensor:
    """Products of all pairs of channels, ``(N, C, h, w)`` to ``(N, C, C)``, over ``C h w``."""
    flat = features.flatten(2)
    return flat @ flat.transpose(1, 2) / flat[0].numel()
