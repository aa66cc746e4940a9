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
        variation = completed.new_zeros(())
        for axis, length in ((2, completed.shape[2] - 1), (3, completed.shape[3] - 1)):
            first, second = (completed.narrow(axis, start, length) for start in (0, 1))
            touched = batch.hole.narrow(axis, 0, length).maximum(batch.hole.narrow(axis, 1, length))
            variation = variation + region_mean((first - second).abs(), touched).mean()
        return {"total_variation": self.weight * variation}
