"""Cut a large picture into crops, so that a small hole is filled at full resolution."""

import math
from dataclasses import dataclass

import numpy as np

from farfill.inpainting.window import Size, Span, Window, merge, separate

#: Side of a crop in pixels, at least: twice that of the paper's training pictures.
SIDE = 512


@dataclass(frozen=True)
class Crop:
    """A part of a picture that is filled on its own."""

    window: Window
    missing: np.ndarray  # (h, w), bool: all that is missing in the window
    own: np.ndarray  # likewise: the holes that this crop fills, and no other

    @property
    def slices(self) -> tuple[slice, slice]:
        """Where it lies in the picture."""
        rows, columns = self.window
        return slice(*rows), slice(*columns)


def crops_of(hole: np.ndarray, side: int | None, max_pixels: int | None) -> list[Crop]:
    """Choose crops for the holes of ``(H, W)``, bool.

    Each side of a crop is at least ``side`` and twice that of the hole in its middle, as in
    training, and at most that of the picture. Crops that meet become one where that is no more
    work, unless it had more than ``max_pixels``: it would be reduced (None = no limit).

    Args:
        hole: True = missing.
        side: In pixels; None: the whole picture is the only crop.
        max_pixels: See above.

    Raises:
        ValueError: ``side`` is below 1.
    """
    if side is None:
        return [Crop(Window.whole(hole.shape), hole, hole)]
    if side < 1:
        raise ValueError(f"expected `crop` to be positive or null, got {side}")

    def work(window: Window) -> float:
        area = math.prod(stop - start for start, stop in window)
        return math.inf if max_pixels is not None and area > max_pixels else area

    pieces, boxes = separate(hole)
    crops = []
    for window, members in sorted(
        merge([_around(x, hole.shape, side) for x in boxes], work).items()
    ):
        (top, bottom), (left, right) = window
        missing = hole[top:bottom, left:right]
        mine = np.isin(pieces[top:bottom, left:right], [number + 1 for number in members])
        crops.append(Crop(window, missing, mine))
    return crops


def _around(box: Window, size: Size, least: int) -> Window:
    spans = []
    for (start, stop), side in zip(box, size, strict=True):
        length = max(least, 2 * (stop - start))
        length = min(length + -length % 8, side)  # of a multiple of 8 nothing is mirrored
        first = min(max((start + stop - length) // 2, 0), side - length)
        spans.append(Span(first, first + length))
    return Window(*spans)
