"""Sheets of pictures: rows and titled columns in one picture."""

from collections.abc import Sequence

import cv2
import numpy as np
from torch import Tensor

FONT = cv2.FONT_HERSHEY_SIMPLEX
PADDING = 4
TITLE_HEIGHT = 20


def sheet(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], smallest_cell: int = 256
) -> np.ndarray:
    """Lay pictures out in titled columns on white: uint8 RGB ``(height, width, 3)``.

    Args:
        rows: Pictures ``(3, H, W)`` in ``[-1, 1]``, of any size. A short row leaves cells empty,
            one that is longer than the titles is refused (``ValueError``).
        titles: One per column; a long one is written smaller.
        smallest_cell: Small pictures are enlarged by the largest whole factor (nearest neighbour)
            that keeps the largest of them within this many pixels.
    """
    pictures, lengths = [[*map(to_uint8, row)] for row in rows], [*map(len, rows)]
    if not any(lengths) or max(lengths) > len(titles):
        raise ValueError(f"sheet: expected rows of 1 to {len(titles)} pictures, got {lengths}.")
    sides = [picture.shape[:2] for row in pictures for picture in row]
    factor = max(1, smallest_cell // np.max(sides))
    height, width = (np.max(sides, axis=0) * factor + PADDING).tolist()
    page = (TITLE_HEIGHT + height * len(rows) + PADDING, width * len(titles) + PADDING)
    canvas = np.full((*page, 3), 255, np.uint8)
    for column, title in enumerate(titles):
        length = cv2.getTextSize(title, FONT, 1.0, 1)[0][0]
        scale = min(0.45, (width - PADDING) / max(length, 1))
        place = (column * width + PADDING, TITLE_HEIGHT - 4)
        cv2.putText(canvas, title, place, FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
    for row, cells in enumerate(pictures):
        for column, cell in enumerate(cells):
            large = cell.repeat(factor, axis=0).repeat(factor, axis=1)
            top, left = TITLE_HEIGHT + row * height + PADDING, column * width + PADDING
            canvas[top : top + large.shape[0], left : left + large.shape[1]] = large
    return canvas


def to_uint8(picture: Tensor) -> np.ndarray:
    """Turn ``(3, H, W)`` in ``[-1, 1]`` into ``(H, W, 3)`` uint8; values outside are clipped."""
    levels = ((picture.detach().float() + 1) * 127.5).round().clamp(0, 255)
    return levels.byte().permute(1, 2, 0).cpu().numpy()
