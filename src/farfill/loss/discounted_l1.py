"""Spatially discounted reconstruction of the missing region (paper, section 3.2)."""

from __future__ import annotations

from typing import Literal

from torch import Tensor

from farfill.op.discount import spatial_discount
from farfill.op.region import region_mean
from farfill.types import Batch, Completion

#: The discount per pixel in the authors' released configuration, in the printed paper, and none.
GAMMA = {"released": 0.9, "printed": 0.99, "plain": 1.0}


class DiscountedL1:
    r"""Mean of :math:`\gamma^l |x - \hat x|` over the region, ``l`` the distance to its border.

    It compares the raw outputs of both stages, in the whole unshrunk box for box holes, and the
    mean runs over all elements of the region (authors' ``build_graph_with_losses``).

    Args:
        gamma: Discount per pixel in ``(0, 1]``; ``"released"`` (0.9), ``"printed"`` (0.99) or
            ``"plain"`` (1: plain L1).
        coarse: Weight of the coarse stage's term (released: 1.2 x 1.2).
        refined: Weight of the refined stage's term (released: 1.2). 0 removes a term.

    Raises:
        ValueError: If gamma is neither a known name nor in ``(0, 1]``.
    """

    def __init__(
        self, gamma: float | Literal["released", "printed", "plain"], coarse: float, refined: float
    ) -> None:
        value = GAMMA.get(gamma) if isinstance(gamma, str) else gamma
        if value is None or not 0 < value <= 1:
            raise ValueError(f"expected `gamma` in (0, 1] or one of {list(GAMMA)}, got {gamma!r}")
        self.gamma = value
        self.weights = {"coarse": coarse, "refined": refined}

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``discounted_l1_coarse`` and ``discounted_l1_refined``, weighted scalars."""
        discount = spatial_discount(batch.region, self.gamma)
        return {
            f"discounted_l1_{stage}": weight
            * region_mean(
                (batch.image - getattr(completion, stage)).abs() * discount, batch.region
            ).mean()
            for stage, weight in self.weights.items()
            if weight
        }
