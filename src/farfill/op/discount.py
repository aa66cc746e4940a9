"""How much a missing pixel counts, by its distance to what is known."""

from __future__ import annotations

import torch
from torch import Tensor


def spatial_discount(region: Tensor, gamma: float) -> Tensor:
    r"""Weights that fall with the distance to the region's border (paper, section 3.2).

    Inside a box of height ``H`` and width ``W`` this is the authors' mask,

    .. math:: \max(\gamma^{\min(i, H - i)}, \gamma^{\min(j, W - j)}),

    not symmetric: the first row weighs 1, the last ``gamma``. In any other region ``i`` counts the
    region's pixels in an unbroken run above the pixel, and ``H`` the run's length.

    Args:
        region: ``(N, 1, H, W)``, 1 inside.
        gamma: Factor per pixel, in ``(0, 1]``.

    Returns:
        ``(N, 1, H, W)``, 0 outside the region, computed in float64, of the region's type.
    """
    inside = region > 0.5
    distance = torch.minimum(_line_distance(inside, -2), _line_distance(inside, -1))
    weight = torch.as_tensor(gamma, dtype=torch.float64, device=region.device) ** distance
    return (weight * inside).to(region.dtype)


def _line_distance(inside: Tensor, dim: int) -> Tensor:
    """Steps along ``dim``: to the run's first pixel, or past its last one, the nearer."""
    return torch.minimum(_run_before(inside, dim), _run_before(inside.flip(dim), dim).flip(dim) + 1)


def _run_before(inside: Tensor, dim: int) -> Tensor:
    """How many pixels of the run come before each pixel."""
    position = torch.arange(inside.shape[dim], device=inside.device)
    position = position.view(-1, *[1] * (-dim - 1)).expand(inside.shape)
    last_outside = torch.where(inside, -1, position).cummax(dim).values
    return (position - last_outside - 1).clamp_min(0)
