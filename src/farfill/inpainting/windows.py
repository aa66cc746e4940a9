"""Which rectangles of a picture have to be predicted, so that its holes can be filled."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from farfill.inpainting.window import Span, Window

_CELL = 32  # pixels; holes nearer than this are one from the start


def windows(hole: np.ndarray, work: Callable[[Window], float]) -> list[Window]:
    """Cover the hole with rectangles that cost little together.

    Starts with the bounding box of each separate hole and joins two for as long as that saves
    work: what neighbouring boxes need of the picture overlaps.

    Args:
        hole: ``(H, W)``, bool, not empty.
        work: What a rectangle costs.

    Returns:
        Rectangles inside the picture that cover the hole.
    """
    boxes = {box: work(box) for box in _boxes(hole)}
    while len(boxes) > 1:
        saving, pair = max(
            (boxes[a] + boxes[b] - work(_join(a, b)), (a, b))
            for a in boxes for b in boxes if a < b
        )  # fmt: skip
        if saving <= 0:
            break
        joined = _join(*pair)
        boxes = {box: cost for box, cost in boxes.items() if box not in pair}
        boxes[joined] = work(joined)
    return sorted(boxes)


def _boxes(hole: np.ndarray) -> list[Window]:
    """Bounding boxes of the hole's pieces."""
    rows, columns = (-(-side // _CELL) for side in hole.shape)
    cells = np.zeros((rows * _CELL, columns * _CELL), np.uint8)
    cells[: hole.shape[0], : hole.shape[1]] = hole
    cells = cells.reshape(rows, _CELL, columns, _CELL).max(axis=(1, 3))
    count, labels = cv2.connectedComponents(cells, connectivity=8)
    piece = labels.repeat(_CELL, 0).repeat(_CELL, 1)[: hole.shape[0], : hole.shape[1]] * hole
    boxes = []
    for label in range(1, count):
        inside = piece == label
        sides = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
        boxes.append(Window(*(Span(int(side[0]), int(side[-1]) + 1) for side in sides)))
    return boxes


def _join(one: Window, other: Window) -> Window:
    return Window(
        *(Span(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    )
