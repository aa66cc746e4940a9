"""What attentions that move the whole feature map share."""

from __future__ import annotations

import torch
from torch import Tensor

from farfill.op.sample import own_position, sample
from farfill.types import AttentionResult


def warp(background: Tensor, displacement: Tensor) -> AttentionResult:
    """Sample ``background`` away from each own position.

    Args:
        background: ``(N, C, H, W)``.
        displacement: ``(N, 2, H, W)``, rows and columns in pixels of the map; 0 is the identity,
            which returns ``background`` bit for bit.

    Returns:
        Sampled features, and offsets to the nearest pixel, of positions inside the map.
    """
    n, _, height, width = background.shape
    own = own_position(n, height, width, like=displacement)
    position = own + displacement
    last = torch.tensor([height - 1, width - 1], device=own.device).view(1, 2, 1, 1)
    nearest = position.detach().round().clamp_min(0).minimum(last)
    return AttentionResult(sample(background, position), (nearest - own).long())


def with_hole(foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
    """What the map is predicted from: the features and where they are missing.

    Returns:
        ``(N, C + 1, H, W)``, at least float32.

    Raises:
        ValueError: If the shapes do not fit each other.
    """
    n, _, height, width = foreground.shape
    if foreground.shape != background.shape:
        raise ValueError(
            "expected foreground and background of one shape, "
            f"got {tuple(foreground.shape)} and {tuple(background.shape)}"
        )
    if hole is None:
        hole = foreground.new_zeros(1, 1, height, width)
    if tuple(hole.shape) not in {(n, 1, height, width), (1, 1, height, width)}:
        raise ValueError(
            f"expected a hole of shape ({n} or 1, 1, {height}, {width}) like the features, "
            f"got {tuple(hole.shape)}"
        )
    both = torch.cat([foreground, hole.to(foreground.dtype).expand(n, -1, -1, -1)], dim=1)
    return both.to(torch.promote_types(both.dtype, torch.float32))
