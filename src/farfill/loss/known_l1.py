"""Reconstruction of the known region, the authors' "ae loss"."""

from torch import Tensor

from farfill.op.spatial import region_mean
from farfill.types import Batch, Completion


class KnownL1:
    """Mean of ``|x - prediction|`` over the known pixels of each picture, for both stages.

    The authors divide a mean over all pixels by the known fraction, which is the same.

    Args:
        coarse: Weight of the coarse stage's term (released: 1.2 x 1.2).
        refined: Weight of the refined stage's term (released: 1.2). 0 removes a term.
    """

    def __init__(self, coarse: float, refined: float) -> None:
        self.weights = {"coarse": coarse, "refined": refined}

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``known_l1_coarse`` and ``known_l1_refined``, weighted scalars."""
        terms = {}
        for stage, weight in self.weights.items():
            if weight:
                error = (batch.image - getattr(completion, stage)).abs()
                terms[f"known_l1_{stage}"] = weight * region_mean(error, 1 - batch.hole).mean()
        return terms
