"""Spatially discounted reconstruction of the missing region (paper, section 3.2)."""

from typing import Literal

import torch
from torch import Tensor

from farfill.op.spatial import region_mean
from farfill.types import Batch, Completion

#: The discount per pixel in the authors' released configuration, in the printed paper, and none.
GAMMA = {"released": 0.9, "printed": 0.99, "plain": 1.0}
#: Side of the boxes in pixels for which both were chosen.
PAPERS_BOX = 128


class DiscountedL1:
    r"""Mean of :math:`\gamma^l |x - \hat x|` over the region, ``l`` the distance to its border.

    It compares the raw outputs of both stages, in the whole unshrunk box for box holes, and the
    mean runs over all elements of the region (authors' ``build_graph_with_losses``).

    A named discount follows the box, :math:`\gamma^{128 / \mathrm{box}}` per pixel, so that the
    centre of a box of any size weighs what it does in the paper's of 128 pixels, and so does every
    other place of it. A number is taken as it is.

    Args:
        gamma: ``"released"`` (0.9 in a box of 128 pixels), ``"printed"`` (0.99) or ``"plain"`` (1:
            plain L1); or a discount per pixel in ``(0, 1]``, whatever the box.
        coarse: Weight of the coarse stage's term (released: 1.2 x 1.2).
        refined: Weight of the refined stage's term (released: 1.2). 0 removes a term.
        box_size: Side of the boxes in pixels.
    """

    def __init__(
        self,
        gamma: float | Literal["released", "printed", "plain"],
        coarse: float,
        refined: float,
        box_size: int = PAPERS_BOX,
    ) -> None:
        value = GAMMA.get(gamma) if isinstance(gamma, str) else gamma
        if value is None or not 0 < value <= 1:
            raise ValueError(f"expected `gamma` in (0, 1] or one of {list(GAMMA)}, got {gamma!r}")
        self.gamma = value ** (PAPERS_BOX / box_size) if isinstance(gamma, str) else value
        self.weights = {"coarse": coarse, "refined": refined}

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``discounted_l1_coarse`` and ``discounted_l1_refined``, weighted scalars."""
        discount = spatial_discount(batch.region, self.gamma)
        terms = {}
        for stage, weight in self.weights.items():
            if weight:
                error = (batch.image - getattr(completion, stage)).abs() * discount
                mean = region_mean(error, batch.region).mean()
                terms[f"discounted_l1_{stage}"] = weight * mean
        return terms


def spatial_discount(region: Tensor, gamma: float) -> Tensor:
    r"""Weights that fall with the distance to the region's border.

    Inside a box of height ``H`` and width ``W`` this is the authors' mask,

    .. math:: \max(\gamma^{\min(i, H - i)}, \gamma^{\min(j, W - j)}),

    not symmetric: the first row weighs 1, the last ``gamma``. In any other region ``i`` counts the
    region's pixels in an unbroken run above the pixel, and ``H`` the run's length.

    The region ``(N, 1, H, W)`` is 1 inside, ``gamma`` in ``(0, 1]``. The weights are 0 outside,
    computed in float64, of the region's type.
    """
    inside = region > 0.5
    distance = torch.minimum(*(_line_distance(inside, dim) for dim in (-2, -1)))
    weight = torch.as_tensor(gamma, dtype=torch.float64, device=region.device) ** distance
    return (weight * inside).to(region.dtype)


def _line_distance(inside: Tensor, dim: int) -> Tensor:
    """Steps along ``dim``: to the run's first pixel, or past its last one, the nearer."""
    position = torch.arange(inside.shape[dim], device=inside.device)
    position = position.view(-1, *[1] * (-dim - 1)).expand(inside.shape)
    outside_before = torch.where(inside, -1, position).cummax(dim).values
    beyond = torch.where(inside, inside.shape[dim], position).flip(dim)
    outside_after = beyond.cummin(dim).values.flip(dim)
    return torch.minimum(position - outside_before - 1, outside_after - position)
