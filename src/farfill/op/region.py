"""Means inside a region."""

from __future__ import annotations

from torch import Tensor


def region_mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean of ``values`` ``(N, C, H, W)`` over region and channels of each picture.

    Args:
        values: Of every pixel and channel.
        region: ``(N, 1, H, W)``, 1 = counts.

    Returns:
        ``(N,)``; NaN where the region is empty.
    """
    inside = region.expand_as(values)
    return (values * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))
