"""A box in the middle of the picture, as most tables of inpainting results have it."""

import numpy as np

from farfill.mask.box import rectangle
from farfill.mask.protocol import Hole


class Centre:
    """The same box for every picture: centred (up and left by half a pixel if need be), unshrunk.

    Args:
        height, width: Of the box, in pixels (at least 1); 128 for pictures of 256.
    """

    def __init__(self, height: int, width: int) -> None:
        if min(height, width) < 1:
            raise ValueError(
                f"expected mask.height and mask.width to be positive, got {height} x {width}"
            )
        self.size = (height, width)

    def check(self, height: int, width: int) -> None:
        """Refuse with a ``ValueError`` a box larger than the picture or covering all of it."""
        larger = self.size[0] > height or self.size[1] > width
        if larger or self.size == (height, width):
            raise ValueError(
                f"the centred hole of {self.size[0]} x {self.size[1]} leaves nothing known of a "
                f"picture of {height} x {width}: lower mask.height and mask.width (box_size) or "
                "raise image_size"
            )

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Give the box; ``rng`` is not used. Errors as in :meth:`check`."""
        self.check(height, width)
        box = ((height - self.size[0]) // 2, (width - self.size[1]) // 2, *self.size)
        mask = rectangle(height, width, box)
        return Hole(mask, mask, box)
