"""Irregular holes from mask files."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np

from farfill.files import expanded
from farfill.image.read import MAX_FILE_PIXELS, SUFFIXES, read_grey
from farfill.mask.protocol import Hole, check_patch, irregular_hole

CHECKED = 1000  # masks read before training


@dataclass
class Folder:
    """Draws one of the mask files below a folder, stretched to the picture's size.

    Attributes:
        root: Folder; every picture file below it is a mask. Colours become grey, 16 bits become 8,
            transparency is ignored.
        invert: Black = hole instead of white.
        threshold: Grey levels above it, of 0 ... 255, are white; the authors have 127.
        flip: Mirror a mask at random, in both directions.
        patch_height: Of the local critic's patch around the hole's centre of mass, in pixels.
        patch_width: Likewise.
        max_file_pixels: Refuse files whose header promises more pixels; None = no limit.
    """

    root: str | None
    invert: bool
    threshold: int
    flip: bool
    patch_height: int
    patch_width: int
    max_file_pixels: int | None = MAX_FILE_PIXELS

    @cached_property
    def files(self) -> list[Path]:
        """Every mask file, sorted; there is at least one."""
        if self.root is None:
            raise ValueError("mask=folder needs mask.root=..., the folder of the mask files")
        root = expanded(self.root)
        if not root.is_dir():
            raise FileNotFoundError(f"mask.root: there is no folder {root}")
        visible = (path for path in root.rglob("*") if not path.name.startswith("."))
        files = sorted(path for path in visible if path.suffix.lower() in SUFFIXES)
        if not files:
            raise ValueError(f"mask.root: no mask file ({', '.join(SUFFIXES)}) in {root}")
        return files

    def check(self, height: int, width: int) -> None:
        """Read the masks, or 1000 evenly spaced ones of more, and refuse useless ones.

        Raises:
            ValueError: The patch does not fit, or a file is unreadable or all or nothing at the
                picture's size; names it.
            FileNotFoundError: There is no such folder.
        """
        check_patch(self.patch_height, self.patch_width, height, width)
        last, count = len(self.files) - 1, min(len(self.files), CHECKED)
        for number in np.linspace(0, last, count).round().astype(int):
            self._read(self.files[number], height, width)

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw a file and its mirroring; errors as of :meth:`check`."""
        mask = self._read(self.files[rng.integers(len(self.files))], height, width)
        for axis in (0, 1):
            if self.flip and rng.random() < 0.5:
                mask = np.flip(mask, axis)
        return irregular_hole(np.ascontiguousarray(mask), self.patch_height, self.patch_width)

    def _read(self, path: Path, height: int, width: int) -> np.ndarray:
        mask = (read_grey(path, self.max_file_pixels) > self.threshold) != self.invert
        # Nearest keeps it binary; the exact form samples at pixel centres.
        nearest, size = cv2.INTER_NEAREST_EXACT, (width, height)
        resized = cv2.resize(mask.view(np.uint8), size, interpolation=nearest).astype(bool)
        if resized.all() or not resized.any():
            raise ValueError(
                f"mask {path} is refused because {'every' if resized.any() else 'no'} pixel is "
                f"missing at {height} x {width} pixels: white (above mask.threshold) = hole; "
                "mask.invert=true swaps black and white"
            )
        return resized
