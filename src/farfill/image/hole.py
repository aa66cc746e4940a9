"""Find the hole that a mask marks, and refuse what was probably not meant."""

import logging
from pathlib import Path

import cv2
import numpy as np

from farfill.image.picture import Picture, full_level, luminance, read_picture
from farfill.image.read import MAX_FILE_PIXELS

_SOFT, _NO_MASK = 0.05, 0.5  # shares of levels in between that are warned about, and refused
#: Levels from black, or from white, that are still that: what JPEG adds stays below.
_NOISE = 25.5
#: Share of a picture above which a hole is doubted: its mask is usually the wrong way round.
PLAUSIBLE = 0.75


def read_hole(
    path: str | Path,
    size: tuple[int, int],
    threshold: float | None = None,
    invert: bool = False,
    resize: bool = False,
    max_hole: float = PLAUSIBLE,
    max_pixels: int | None = MAX_FILE_PIXELS,
) -> np.ndarray:
    """Read a mask file: ``(H, W)``, bool, True = missing; see :func:`hole_of`.

    Raises:
        ValueError: If it cannot be read, its header promises more than ``max_pixels`` (None = no
            limit), or it is no mask for a picture of this size.
    """
    mask = read_picture(path, max_pixels)
    return hole_of(mask, f"the mask {path}", size, threshold, invert, resize, max_hole)


def hole_of(
    mask: Picture,
    name: str,
    size: tuple[int, int],
    threshold: float | None = None,
    invert: bool = False,
    resize: bool = False,
    max_hole: float = 1,
) -> np.ndarray:
    """Find what a mask marks: white is the hole, as for the authors. ``(H, W)``, True = missing.

    Levels are 0 to 255 whatever the mask's depth; colours count by their luminance. Transparent
    places count as black, because a mask painted on a layer of its own is known where nothing was
    painted.

    Args:
        mask: The mask.
        name: What an error calls it.
        size: Height and width of its picture.
        threshold: Levels above it are the hole (the paper's is 127.5). None: whatever is not black,
            so that a soft edge belongs to the hole, or with ``invert`` whatever is not white.
        invert: Levels *not* above the threshold are the hole.
        resize: Stretch a mask of another size (nearest) instead of refusing it.
        max_hole: Share above which a hole is refused: its polarity is usually wrong.

    Raises:
        ValueError: If it has another size, is not plausible as a mask, or makes a hole of nothing
            or everything.
    """
    if threshold is None:
        threshold = 255 - _NOISE if invert else _NOISE
    if not 0 <= threshold < 255:
        raise ValueError(f"expected `threshold` from 0 to below 255, got {threshold}")
    if not 0 < max_hole <= 1:
        raise ValueError(f"expected `max_hole` above 0 and up to 1, got {max_hole}")
    if mask.size != size and not resize:
        turned = " (it lies on its side)" if mask.size == size[::-1] else ""
        raise ValueError(
            f"{name} is {mask.size[1]} x {mask.size[0]} pixels{turned}, but its picture "
            f"is {size[1]} x {size[0]}: give one of that size, or say resize_mask=true to stretch "
            "it"
        )
    full = full_level(mask.pixels)
    levels: np.ndarray = luminance(mask.rgb()) * (255 / full)
    if mask.alpha is not None:
        levels = levels * (mask.alpha / np.float32(full))
    levels = cv2.resize(levels, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    hole = (levels > threshold) != invert
    _check_plausible(name, hole, levels, threshold, invert)
    if hole.mean() > max_hole:
        raise ValueError(
            f"{name} makes {hole.mean():.0%} of the picture the hole: say "
            f"invert={str(not invert).lower()} if it is the other way round, or max_hole=1 if it "
            "is meant so"
        )
    return hole


def transparent(picture: Picture, name: str, max_hole: float = 1) -> np.ndarray:
    """Find the hole in a picture's own alpha: ``(H, W)``, True where it is not opaque.

    Args:
        picture: The picture, which errors call ``name``.
        name: What an error calls the picture.
        max_hole: See :func:`hole_of`.

    Raises:
        ValueError: If the picture has no alpha, or that makes a hole of nothing, of everything, or
            of more than ``max_hole``.
    """
    if picture.alpha is None:
        raise ValueError(f"{name} has no alpha, whose transparent places are the hole: give a mask")
    hole = picture.alpha < full_level(picture.alpha) * (1 - _NOISE / 255)
    if not hole.any():
        raise ValueError(
            f"nothing in {name} is transparent, so that nothing is to fill: give a mask"
        )
    if hole.all():
        raise ValueError(
            f"everything in {name} is transparent, so that there is nothing to fill from"
        )
    if hole.mean() > max_hole:
        raise ValueError(
            f"{hole.mean():.0%} of {name} is transparent: say max_hole=1 if that is to be filled"
        )
    return hole


def distance_to(hole: np.ndarray) -> np.ndarray:
    """Distance in pixels of every pixel to the hole's nearest, ``(H, W)``, float32; 0 in it."""
    known = (~hole).astype(np.uint8)
    return cv2.distanceTransform(known, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)


def grow(hole: np.ndarray, pixels: int) -> np.ndarray:
    """Add to a hole what is at most so many pixels away from it (else ``ValueError``: below 0)."""
    if pixels < 0:
        raise ValueError(f"expected `dilate` and `feather` to be at least 0, got {pixels}")
    return distance_to(hole) <= pixels if pixels else hole


def _check_plausible(
    name: str, hole: np.ndarray, levels: np.ndarray, threshold: float, invert: bool
) -> None:
    colour, other = ("black", "white") if invert else ("white", "black")
    found = f"its levels are {levels.min():.4g} to {levels.max():.4g}, threshold={threshold:g}"
    swap = f"if {other} marks it, say invert={str(not invert).lower()}"
    if not hole.any():
        raise ValueError(
            f"{name} has nothing to fill: {colour} marks the hole, but {found} "
            f"(transparent counts as black); {swap}, and for a mask of 0 and 1 threshold=0.5"
        )
    if hole.all():
        raise ValueError(
            f"{name} leaves nothing known to fill from: {colour} marks the hole, "
            f"and {found}; {swap}"
        )
    # Two levels, any two, are a mask; a share in between is a soft edge, JPEG noise or a photo.
    between = ((levels > levels.min() + _NOISE) & (levels < levels.max() - _NOISE)).mean()
    if between > _NO_MASK:
        raise ValueError(
            f"{name} does not look like a mask: {between:.0%} of it is neither dark nor bright; "
            "are `image` and `mask` swapped?"
        )
    if between > _SOFT:
        logging.getLogger(__name__).warning(
            f"{name}: {100 * between:.0f} % is neither dark nor bright; levels above {threshold:g} "
            "count as white."
        )
