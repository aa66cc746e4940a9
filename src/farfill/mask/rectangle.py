"""Rectangles as boolean masks."""

from __future__ import annotations

import numpy as np


def rectangle(
    height: int, width: int, box: tuple[int, int, int, int], shrink: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """Draw ``box`` into a picture's plane.

    Args:
        height: Of the plane, in pixels.
        width: Likewise.
        box: ``(top, left, height, width)``.
        shrink: Pixels taken off the box at top and bottom, and at left and right.

    Returns:
        ``(height, width)``, bool, True inside.
    """
    top, left, tall, wide = box
    down, right = shrink
    plane = np.zeros((height, width), dtype=bool)
    plane[top + down : top + tall - down, left + right : left + wide - right] = True
    return plane
