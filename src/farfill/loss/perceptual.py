"""Perceptual loss: completed and original picture agree in a pretrained network's features."""

from collections.abc import Callable
from typing import ClassVar

from torch import Tensor

from farfill.types import Batch, Completion


class Perceptual:
    r"""Sum over layers of the mean of :math:`|\phi(\tilde x) - \phi(x)|`.

    After Johnson et al. 2016 (arXiv 1603.08155), with absolute differences as in Liu et al. 2018
    (arXiv 1804.07723, equation 3). The completed picture is compared, so only what was painted
    into the hole counts, seen together with what is around it.

    Args:
        weight: Of the term.
        backbone: Maps pictures ``(N, 3, H, W)`` in ``[-1, 1]`` to features ``(N, C, h, w)`` of the
            chosen layers, from shallow to deep; its own weights never change.
    """

    #: Of the term, in logs.
    name: ClassVar[str] = "perceptual"

    def __init__(self, weight: float, backbone: Callable[[Tensor], list[Tensor]]) -> None:
        self.weight = weight
        self.backbone = backbone

    def compared(self, features: Tensor) -> Tensor:
        """What of a layer's features ``(N, C, h, w)`` is compared: all of them."""
        return features

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return the term by its name, a weighted scalar."""
        painted = self.backbone(completion.completed(batch.image, batch.hole))
        original = self.backbone(batch.image)
        first, *others = (
            (self.compared(p) - self.compared(o)).abs().mean()
            for p, o in zip(painted, original, strict=True)
        )
        return {self.name: self.weight * sum(others, first)}
