"""Sheets of pictures: rows and titled columns in one PNG."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from farfill.files import atomic

FONT = cv2.FONT_HERSHEY_SIMPLEX
PADDING = 4
TITLE_HEIGHT = 20
WHITE = 255


def sheet(
    rows: Sequence[Sequence[Tensor]], titles: Sequence[str], smallest_cell: int = 256
) -> np.ndarray:
    """Lay pictures out in titled columns on white.

    Args:
        rows: Pictures ``(3, H, W)`` in ``[-1, 1]``, of any size. A short row leaves cells empty.
        titles: One per column; a long one is written smaller.
        smallest_cell: Small pictures are enlarged by the largest whole factor (nearest neighbour)
            that keeps the largest of them within this many pixels.

    Returns:
        uint8 RGB ``(height, width, 3)``.

    Raises:
        ValueError: There is no picture, or a row has more pictures than there are titles.
    """
    pictures = [[to_uint8(picture) for picture in row] for row in rows]
    if not any(pictures) or max(map(len, pictures)) > len(titles):
        lengths = [len(row) for row in pictures]
        raise ValueError(f"sheet: expected rows of 1 to {len(titles)} pictures, got {lengths}.")
    sides = [picture.shape[:2] for row in pictures for picture in row]
    factor = max(1, smallest_cell // np.max(sides))
    height, width = (np.max(sides, axis=0) * factor + PADDING).tolist()
    canvas = np.full(
        (TITLE_HEIGHT + height * len(rows) + PADDING, width * len(titles) + PADDING, 3),
        WHITE,
        np.uint8,
    )
    for column, title in enumerate(titles):
        _write(canvas, title, column * width + PADDING, width - PADDING)
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


def write_png(path: str | Path, picture: np.ndarray) -> None:
    """Write uint8 RGB ``(H, W, 3)`` as PNG, whole or not at all.

    Raises:
        OSError: The file could not be written.
    """
    with atomic(path) as part:
        # Encoded in memory: imwrite would choose the format by the name, and fails silently.
        part.write_bytes(
            cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))[1].tobytes()
        )


def _write(canvas: np.ndarray, title: str, left: int, room: int) -> None:
    """Write ``title`` into the title bar, at most ``room`` pixels wide."""
    length = cv2.getTextSize(title, FONT, 1.0, 1)[0][0]
    scale = min(0.45, room / max(length, 1))
    cv2.putText(canvas, title, (left, TITLE_HEIGHT - 4), FONT, scale, (0, 0, 0), 1, cv2.LINE_AA)
