"""What holes of any shape share: the local critic's patch."""

import numpy as np

from farfill.mask.protocol import Hole


def irregular_hole(mask: np.ndarray, patch_height: int, patch_width: int) -> Hole:
    """Give a mask its patch: the window around its centre of mass, moved into the picture.

    Args:
        mask: ``(H, W)``, bool, True = missing, neither empty nor full.
        patch_height: Of the local critic's patch, in pixels, at most ``H``.
        patch_width: Likewise, at most ``W``.
    """
    size = (patch_height, patch_width)
    centres = [positions.mean() + 0.5 for positions in np.nonzero(mask)]
    top, left = (
        int(np.clip(round(centre - side / 2), 0, whole - side))
        for centre, side, whole in zip(centres, size, mask.shape, strict=True)
    )
    return Hole(mask, mask, (top, left, *size))


def check_patch(patch_height: int, patch_width: int, height: int, width: int) -> None:
    """Refuse a local patch that is empty or not inside the picture (``ValueError``)."""
    if not (0 < patch_height <= height and 0 < patch_width <= width):
        raise ValueError(
            f"expected mask.patch_height and mask.patch_width (box_size) to fit into a picture of "
            f"{height} x {width}, got {patch_height} x {patch_width}"
        )
