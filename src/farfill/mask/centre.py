"""A box in the middle of the picture, as most tables of inpainting results have it."""

from dataclasses import dataclass

import numpy as np

from farfill.mask.box import rectangle
from farfill.mask.protocol import Hole


@dataclass
class Centre:
    """The same box for every picture: centred (up and left by half a pixel if need be), unshrunk.

    Args:
        height: Of the box, in pixels; 128 for pictures of 256.
        width: Likewise.

    Raises:
        ValueError: A size is not positive.
    """

    height: int
    width: int

    def __post_init__(self) -> None:
        if min(self.height, self.width) < 1:
            raise ValueError(
                "expected mask.height and mask.width to be positive, got "
                f"{self.height} x {self.width}"
            )

    def check(self, height: int, width: int) -> None:
        """Refuse (``ValueError``) a box that is larger than the picture or covers all of it."""
        larger = self.height > height or self.width > width
        if larger or (self.height, self.width) == (height, width):
            raise ValueError(
                f"the centred hole of {self.height} x {self.width} leaves nothing known of a "
                f"picture of {height} x {width}: lower mask.height and mask.width (box_size) or "
                "raise image_size"
            )

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Give the box; ``rng`` is not used. Errors as in :meth:`check`."""
        self.check(height, width)
        top, left = (height - self.height) // 2, (width - self.width) // 2
        box = (top, left, self.height, self.width)
        mask = rectangle(height, width, box)
        return Hole(mask, mask, box)
