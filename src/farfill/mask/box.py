"""The paper's hole: a box at a random place, shrunk at random."""

import numpy as np

from farfill.mask.protocol import Hole


class Box:
    """A box of fixed size at a random place; the hole is the box shrunk on opposite sides alike.

    As the authors' ``random_bbox`` and ``bbox2mask`` have it: top is uniform over the integers
    ``vertical_margin ... H - vertical_margin - height - 1``, both ends included (so a box never
    touches the lower margin), left likewise; then ``0 ... max_shrink // 2`` pixels are taken off
    on each side, drawn once per axis. The box itself stays whole.

    Args:
        height, width: Of the box, in pixels; 128 in the paper.
        vertical_margin, horizontal_margin: Pixels kept free on both sides; 0 in the paper.
        max_shrink_height, max_shrink_width: Most that a hole is smaller than its box, as a
            fraction of the box, in ``[0, 1)``; rounded down to pixels. 0.25 is the authors'
            ``MAX_DELTA_HEIGHT`` of 32.
    """

    def __init__(
        self,
        height: int,
        width: int,
        vertical_margin: int,
        horizontal_margin: int,
        max_shrink_height: float,
        max_shrink_width: float,
    ) -> None:
        if min(height, width) < 1 or min(vertical_margin, horizontal_margin) < 0:
            raise ValueError(
                "expected mask.height and mask.width to be positive and the margins not negative, "
                f"got {height} x {width} and {vertical_margin}, {horizontal_margin}"
            )
        if not (0 <= max_shrink_height < 1 and 0 <= max_shrink_width < 1):
            raise ValueError(
                "expected mask.max_shrink_height and mask.max_shrink_width to be fractions of the "
                f"box in [0, 1), got {max_shrink_height} and {max_shrink_width}: nothing of the "
                "hole may be left"
            )
        self.size = (height, width)
        self.margins = (vertical_margin, horizontal_margin)
        self.max_shrinks = (int(max_shrink_height * height), int(max_shrink_width * width))

    def check(self, height: int, width: int) -> None:
        """Refuse with a ``ValueError`` a picture that leaves no place for the box."""
        axes = zip(("height", "width"), (height, width), self.size, self.margins, strict=True)
        for name, picture, box, margin in axes:
            if picture - margin - box <= margin:
                raise ValueError(
                    f"a hole box of {name} {box} with margin {margin} finds no place in a picture "
                    f"of {name} {picture}: expected more than {box + 2 * margin} pixels; "
                    f"lower mask.{name} (box_size) or the margin, or raise image_size"
                )

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw top, left and both shrinks. Errors as in :meth:`check`."""
        self.check(height, width)
        top, left = (
            int(rng.integers(margin, picture - margin - box))  # the upper end is excluded
            for picture, box, margin in zip((height, width), self.size, self.margins, strict=True)
        )
        down, right = (int(rng.integers(most // 2 + 1)) for most in self.max_shrinks)
        box = (top, left, *self.size)
        mask = rectangle(height, width, box, (down, right))
        return Hole(mask, rectangle(height, width, box), box)


def rectangle(
    height: int, width: int, box: tuple[int, int, int, int], shrink: tuple[int, int] = (0, 0)
) -> np.ndarray:
    """A plane ``(height, width)``, bool, True inside ``(top, left, height, width)``.

    ``shrink`` pixels are taken off the box at top and bottom, and at left and right.
    """
    top, left, tall, wide = box
    down, right = shrink
    plane = np.zeros((height, width), dtype=bool)
    plane[top + down : top + tall - down, left + right : left + wide - right] = True
    return plane
