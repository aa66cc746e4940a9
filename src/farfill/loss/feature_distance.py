"""What losses share that compare a pretrained network's features."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from torch import Tensor

from farfill.backbone.protocol import Backbone
from farfill.types import Batch, Completion


class FeatureDistance(ABC):
    """Sum over layers of the mean absolute difference of completed and original picture.

    Args:
        weight: Of the term.
        backbone: Gives the features.
    """

    #: Of the term, in logs.
    name: ClassVar[str]

    def __init__(self, weight: float, backbone: Backbone) -> None:
        self.weight = weight
        self.backbone = backbone

    @abstractmethod
    def compared(self, features: Tensor) -> Tensor:
        """What of a layer's features ``(N, C, h, w)`` is compared."""

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return the term by its name, a weighted scalar."""
        painted = self.backbone(completion.completed(batch.image, batch.hole))
        original = self.backbone(batch.image)
        first, *others = (
            (self.compared(p) - self.compared(o)).abs().mean()
            for p, o in zip(painted, original, strict=True)
        )
        return {self.name: self.weight * sum(others, first)}
