"""What sources of generated pictures share: they know what every pixel shows."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

import numpy as np


class Scene(NamedTuple):
    """A generated picture, and what every pixel shows, as coordinates in pixels.

    Two pixels show the same thing if these are equal, nearly the same if they are close.
    """

    picture: np.ndarray  # (S, S, 3), uint8, RGB
    content: np.ndarray  # (K, S, S), float64


class Generated(ABC):
    """Reads pictures that :meth:`scene` makes; ``resize`` is their side S in pixels."""

    on_error: ClassVar[str] = "raise"
    max_file_pixels: ClassVar[int | None] = None  # there are no files
    cache: ClassVar[bool] = False
    shrink: ClassVar[bool] = True

    train: int
    val: int
    resize: int
    seed: int

    def __post_init__(self) -> None:
        """Check what all of them have.

        Raises:
            ValueError: A count or the seed is negative.
        """
        if min(self.train, self.val, self.seed) < 0:
            raise ValueError(
                "expected data.train, data.val and data.seed not to be negative, "
                f"got {self.train}, {self.val} and {self.seed}"
            )

    @abstractmethod
    def scene(self, path: Path) -> Scene:
        """Generate a picture with its content; a path that is none of its own is refused."""

    def read(self, path: Path) -> np.ndarray:
        """Generate a picture: ``(S, S, 3)``, uint8, RGB; always the same for a path."""
        return self.scene(path).picture

    def content(self, path: Path, size: int) -> np.ndarray:
        """Say what a picture's centre crop shows: ``(K, size, size)``, see :class:`Scene`."""
        start = (self.resize - size) // 2
        crop = slice(start, start + size)
        return self.scene(path).content[:, crop, crop]


def torus(axes: Sequence[np.ndarray], periods: np.ndarray) -> np.ndarray:
    """Content of a picture that repeats: every pixel's place on the torus, ``(4, S, S)``.

    Each axis is a circle as long as the period: distances are chords, a little below pixels.

    Args:
        axes: Row and column of the repeated tile at the picture's S rows and columns.
        periods: After how many pixels it repeats, downwards and to the right.
    """
    content, side = [], len(axes[0])
    for axis, length, shape in zip(axes, periods, [(side, 1), (1, side)], strict=True):
        angle, radius = 2 * np.pi * axis / length, length / (2 * np.pi)
        for place in (radius * np.cos(angle), radius * np.sin(angle)):
            content.append(np.broadcast_to(place.reshape(shape), (side, side)))
    return np.stack(content)
