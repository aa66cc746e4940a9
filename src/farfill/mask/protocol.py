"""What every sampler of holes offers, and the patch that holes of any shape share."""

from typing import NamedTuple, Protocol

import numpy as np


class Hole(NamedTuple):
    """One hole.

    Attributes:
        mask: ``(H, W)``, bool, True = missing.
        region: ``(H, W)``, bool, where the discounted reconstruction counts: the whole unshrunk
            box for a box hole, the mask itself otherwise.
        box: ``(top, left, height, width)`` of the patch the local critic sees, in pixels.
    """

    mask: np.ndarray
    region: np.ndarray
    box: tuple[int, int, int, int]


class HoleSampler(Protocol):
    """Draws holes. The boxes of one sampler all have the same height and width."""

    def check(self, height: int, width: int) -> None:
        """Refuse, before training, a picture's size in pixels for which no hole can be drawn.

        The ``ValueError`` says in one sentence why and what to do.
        """

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw one hole for a picture; it depends on the size and the state of ``rng`` only."""


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
