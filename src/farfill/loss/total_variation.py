"""Total variation: neighbouring pixels in and around the hole are alike."""

from torch import Tensor

from farfill.op.spatial import region_mean
from farfill.types import Batch, Completion


class TotalVariation:
    """Mean absolute difference of neighbours of which at least one is missing.

    After Liu et al. 2018 (arXiv 1804.07723, equation 6): of the completed picture, in the hole
    grown by one pixel, so that its border counts too. Rows and columns are added.

    Args:
        weight: Of the term.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``total_variation``, a weighted scalar."""
        completed = completion.completed(batch.image, batch.hole)
        vertical, horizontal = (_variation(completed, batch.hole, axis) for axis in (2, 3))
        return {"total_variation": self.weight * (vertical + horizontal)}


def _variation(image: Tensor, hole: Tensor, axis: int) -> Tensor:
    """Mean over pictures of the mean over touched pairs along ``axis`` and over channels."""
    length = image.shape[axis] - 1
    first, second = image.narrow(axis, 0, length), image.narrow(axis, 1, length)
    touched = hole.narrow(axis, 0, length).maximum(hole.narrow(axis, 1, length))
    return region_mean((first - second).abs(), touched).mean()
