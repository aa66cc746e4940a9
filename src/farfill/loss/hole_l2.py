"""Mean square error of the missing region, GLCIC's reconstruction loss."""

from torch import Tensor

from farfill.op.spatial import region_mean
from farfill.types import Batch, Completion


class HoleL2:
    r"""Mean of :math:`(x - \hat x)^2` over the missing values of each picture, refined stage only.

    Iizuka et al., SIGGRAPH 2017, write the squared norm of the difference in the hole; the mean
    makes one weight fit holes of any size. In ``[-1, 1]`` it is 4 times what it is in ``[0, 1]``.

    Args:
        weight: Of the term.
    """

    def __init__(self, weight: float) -> None:
        self.weight = weight

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``hole_l2``, a weighted scalar."""
        square = (batch.image - completion.refined).square()
        return {"hole_l2": self.weight * region_mean(square, batch.hole).mean()}
