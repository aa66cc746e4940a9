"""What holes of any shape share: the local critic's patch."""

import numpy as np

from farfill.mask.protocol import Hole


def irregular_hole(mask: np.ndarray, patch_height: int, patch_width: int) -> Hole:
    """Give a mask ``(H, W)``, bool, its patch: around its centre of mass, but inside the picture.

    The patch's sides are in pixels, at most those of the mask, which is not empty.
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
