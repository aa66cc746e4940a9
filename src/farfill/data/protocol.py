"""What every source of pictures offers."""

from pathlib import Path
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np


class Split(NamedTuple):
    """Picture files, in an order that depends on nothing but the files."""

    train: list[Path]
    val: list[Path]  # shares no file with `train`


class Source(Protocol):
    """Knows which picture files there are.

    Attributes:
        resize: Shorter side in pixels to which every picture is scaled, up or down; None = as is.
        shrink: False: scaled up only, so that a larger picture stays as it is.
        on_error: What an unreadable picture does: ``"raise"`` or ``"skip"``.
        max_file_pixels: Files whose header promises more are refused; None = no limit.
        cache: Whether all pictures, read and scaled, are few enough to stay in memory.
        cluster: Regular expression; pictures in whose names below their common folder it finds the
            same are one cluster, such as a film's frames. None = each stands for itself.
    """

    resize: int | None
    shrink: bool
    on_error: str
    max_file_pixels: int | None
    cache: bool
    cluster: str | None

    def split(self, train: bool = True) -> Split:
        """Find the files; one side may be empty.

        Without ``train``, training pictures that lie apart from the others may be missing.

        Raises:
            ValueError: The split cannot be made; one sentence says why and what to do.
            FileNotFoundError: A folder or list is missing; likewise.
        """


@runtime_checkable
class SyntheticSource(Source, Protocol):
    """Makes its pictures, so that paths are mere names, and knows what every pixel shows."""

    def read(self, path: Path) -> np.ndarray:
        """Make a picture: ``(H, W, 3)``, uint8, RGB; always the same for a path."""

    def content(self, path: Path, size: int) -> np.ndarray:
        """Say what every pixel of a picture's centre crop of ``size`` pixels shows.

        Returns:
            ``(K, size, size)``, coordinates in pixels: two pixels with equal ones show the same
            thing, and with ones that differ by d the same as d pixels further along.
        """
