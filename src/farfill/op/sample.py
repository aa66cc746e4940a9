"""Bilinear sampling at positions given in pixels."""

from __future__ import annotations

import torch
from torch import Tensor


def sample(features: Tensor, position: Tensor) -> Tensor:
    """Read ``features`` between their pixels.

    Positions count pixels, with pixel centres at whole numbers; this is what PyTorch's
    ``grid_sample`` calls ``align_corners=True``. That function takes positions scaled to
    ``[-1, 1]``, whose rounding moves even an identity map; here whole positions give the features
    themselves, bit for bit.

    Args:
        features: ``(N, C, H, W)``.
        position: ``(N, 2, h, w)``, rows and columns. Outside the map its edge is read.

    Returns:
        ``(N, C, h, w)``, differentiable in both arguments.
    """
    height, width = features.shape[-2:]
    row, column = position[:, 0].clamp(0, height - 1), position[:, 1].clamp(0, width - 1)
    top, left = row.detach().floor(), column.detach().floor()
    down, right = (row - top)[:, None], (column - left)[:, None]
    top, left = top.long(), left.long()
    bottom, beyond = (top + 1).clamp_max(height - 1), (left + 1).clamp_max(width - 1)
    above = pick(features, top, left) * (1 - right) + pick(features, top, beyond) * right
    below = pick(features, bottom, left) * (1 - right) + pick(features, bottom, beyond) * right
    return above * (1 - down) + below * down


def pick(features: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Copy ``(N, C, H, W)`` features at whole positions ``(N, h, w)``: ``(N, C, h, w)``."""
    n, channels, _, width = features.shape
    index = (row * width + column).view(n, 1, -1).expand(-1, channels, -1)
    return features.flatten(2).gather(2, index).view(n, channels, *row.shape[1:])


def own_position(n: int, height: int, width: int, like: Tensor) -> Tensor:
    """Every pixel's own row and column, ``(n, 2, height, width)``."""
    rows = torch.arange(height, device=like.device, dtype=like.dtype)
    columns = torch.arange(width, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(n, -1, -1, -1)


def half_side(like: Tensor) -> Tensor:
    """Half of the way from the first to the last row and column, in pixels: ``(1, 2, 1, 1)``."""
    height, width = like.shape[-2:]
    return like.new_tensor([(height - 1) / 2, (width - 1) / 2]).view(1, 2, 1, 1)
