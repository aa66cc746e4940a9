"""The few types every part of Farfill speaks, and its conventions.

* images are ``float`` tensors of shape ``(N, 3, H, W)``, RGB, in ``[-1, 1]``;
* a hole is ``(N, 1, H, W)`` with **1 = missing, 0 = known**;
* a box is ``(top, left, height, width)`` in pixels.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """Pictures with their holes. A dataset yields the same tuple without the batch axis.

    A box may be shrunk at random before it becomes the hole, as the authors do. The reconstruction
    still counts in the whole box, known pixels around the hole included::

        . . . . . . . .
        . + + + + + + .     hole     #, the shrunk box
        . + # # # # + .     region   # and +, the box as it was drawn
        . + # # # # + .     box      top 1, left 1, height 4, width 6
        . + + + + + + .
        . . . . . . . .

    For holes of any other shape, ``region`` is ``hole``, and ``box`` lies around its centre.

    Attributes:
        image: Ground truth, ``(N, 3, H, W)``, float32 in ``[-1, 1]``.
        hole: ``(N, 1, H, W)``, float32, 1 = missing.
        region: ``(N, 1, H, W)``, float32, 1 where the discounted reconstruction counts, see
            :class:`farfill.mask.protocol.Hole`.
        box: ``(N, 4)``, int64 ``(top, left, height, width)`` of the patch the local critic sees.
            All boxes of a run have the same height and width.
        index: ``(N,)``, int64, number of the picture in its data set.
    """

    image: Tensor
    hole: Tensor
    region: Tensor
    box: Tensor
    index: Tensor  # type: ignore[assignment]  # hides tuple.index, which nobody calls here

    @property
    def masked(self) -> Tensor:
        """The picture as the generator gets it, holes set to 0: ``(N, 3, H, W)``."""
        return self.image * (1 - self.hole)

    def split(self, size: int) -> "list[Batch]":
        """Cut into batches of ``size`` pictures, in order (the last may be smaller)."""
        return [Batch(*parts) for parts in zip(*(x.split(size) for x in self), strict=True)]


class AttentionResult(NamedTuple):
    """What an attention layer returns.

    Attributes:
        features: Rebuilt features, shaped like the foreground, ``(N, C, H, W)``.
        offsets: ``(N, 2, h, w)``, int64: row and column of the chosen background position minus
            the position itself, on the attention's own (reduced) grid. ``None`` where an
            attention has no notion of a source.
    """

    features: Tensor
    offsets: Tensor | None


@dataclass(frozen=True)
class Completion:
    """What a generator returns.

    Attributes:
        coarse: Output of the first stage, every pixel predicted, ``(N, 3, H, W)`` in ``[-1, 1]``.
        refined: Output of the second stage, likewise.
        offsets: See :class:`AttentionResult`.
    """

    coarse: Tensor
    refined: Tensor
    offsets: Tensor | None

    def completed(self, image: Tensor, hole: Tensor) -> Tensor:
        """Paste the refined stage into the hole of ``image``; known pixels stay bit for bit.

        Args:
            image: ``(N, 3, H, W)``. What it holds inside a binary hole does not matter.
            hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing.
        """
        return self.refined * hole + image * (1 - hole)


#: Completes pictures to ``(N, 3, H, W)`` in ``[-1, 1]`` without a look at ``image`` in the hole;
#: known pixels are the input's, bit for bit.
Inpainter = Callable[[Batch], Tensor]
#: One idea of what a good completion is: named scalars, already weighted, whose sum is minimised.
Loss = Callable[[Completion, Batch], dict[str, Tensor]]


class Diverged(ValueError):  # noqa: N818 -- a result, as "done" is
    """Too many updates in a row had losses or gradients that are not finite."""
