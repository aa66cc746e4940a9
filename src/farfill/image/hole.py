"""Read a mask file as a hole, and refuse what was probably not meant."""

import logging
from pathlib import Path

import cv2
import numpy as np

from farfill.image.picture import luminance, read_picture
from farfill.image.read import MAX_FILE_PIXELS

_SOFT, _NO_MASK = 0.05, 0.5  # shares of levels in between that are warned about, and refused


def read_hole(
    path: str | Path,
    size: tuple[int, int],
    threshold: float = 127.5,
    invert: bool = False,
    resize: bool = False,
    max_hole: float = 0.75,
    max_pixels: int | None = MAX_FILE_PIXELS,
) -> np.ndarray:
    """Read a mask: white is the hole, as for the authors. ``(H, W)``, bool, True = missing.

    Levels are 0 to 255 whatever the file's depth; colours count by their luminance. Transparent
    places count as black, because a mask painted on a layer of its own is known where nothing was
    painted. An EXIF orientation is applied, as to the picture.

    Args:
        path: The mask file.
        size: Height and width of its picture.
        threshold: Levels above it are the hole (the paper's is 127.5).
        invert: Levels *not* above the threshold are the hole.
        resize: Stretch a mask of another size (nearest) instead of refusing it.
        max_hole: Share above which a hole is refused: its polarity is usually wrong.
        max_pixels: Refuse a file whose header promises more; None = no limit.

    Raises:
        ValueError: If it cannot be read, has another size, is not plausible as a mask, or makes a
            hole of nothing or everything.
    """
    if not 0 <= threshold < 255:
        raise ValueError(f"expected `threshold` from 0 to below 255, got {threshold}")
    if not 0 < max_hole <= 1:
        raise ValueError(f"expected `max_hole` above 0 and up to 1, got {max_hole}")
    mask = read_picture(path, max_pixels)
    if mask.size != size and not resize:
        turned = " (it lies on its side)" if mask.size == size[::-1] else ""
        raise ValueError(
            f"the mask {path} is {mask.size[1]} x {mask.size[0]} pixels{turned}, but its picture "
            f"is {size[1]} x {size[0]}: give one of that size, or say resize_mask=true to stretch "
            "it"
        )
    full = np.iinfo(mask.pixels.dtype).max
    levels: np.ndarray = luminance(mask.rgb()) * (255 / full)
    if mask.alpha is not None:
        levels = levels * (mask.alpha / np.float32(full))
    levels = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    hole = (levels > threshold) != invert
    _check_plausible(path, hole, levels, threshold, invert)
    if hole.mean() > max_hole:
        raise ValueError(
            f"the mask {path} makes {hole.mean():.0%} of the picture the hole: say "
            f"invert={str(not invert).lower()} if it is the other way round, or max_hole=1 if it "
            "is meant so"
        )
    return hole


def _check_plausible(
    path: str | Path, hole: np.ndarray, levels: np.ndarray, threshold: float, invert: bool
) -> None:
    colour, other = ("black", "white") if invert else ("white", "black")
    found = f"its levels are {levels.min():.4g} to {levels.max():.4g}, threshold={threshold:g}"
    swap = f"if {other} marks it, say invert={str(not invert).lower()}"
    if not hole.any():
        raise ValueError(
            f"the mask {path} has nothing to fill: {colour} marks the hole, but {found} "
            f"(transparent counts as black); {swap}, and for a mask of 0 and 1 threshold=0.5"
        )
    if hole.all():
        raise ValueError(
            f"the mask {path} leaves nothing known to fill from: {colour} marks the hole, "
            f"and {found}; {swap}"
        )
    # Two levels, any two, are a mask; a share in between is a soft edge, JPEG noise or a photo.
    between = ((levels > levels.min() + 25.5) & (levels < levels.max() - 25.5)).mean()
    if between > _NO_MASK:
        raise ValueError(
            f"{path} does not look like a mask: {between:.0%} of it is neither dark nor bright; "
            "are `image` and `mask` swapped?"
        )
    if between > _SOFT:
        logging.getLogger(__name__).warning(
            f"{path}: {100 * between:.0f} % of the mask is neither dark nor bright; levels above "
            f"{threshold:g} count as white."
        )
