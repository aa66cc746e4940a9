"""Irregular holes from mask files."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps

from farfill.files import expanded
from farfill.image.open import MAX_FILE_PIXELS, opened
from farfill.mask.irregular import check_not_trivial, check_patch, irregular_hole
from farfill.mask.protocol import Hole

SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}
CHECKED = 1000  # masks read before training


def read_mask(
    path: str | Path,
    threshold: int,
    invert: bool,
    max_pixels: int | None = MAX_FILE_PIXELS,
) -> np.ndarray:
    """Read a mask file: white = hole.

    Not with OpenCV, which takes half a JPEG for a whole one.

    Args:
        path: A picture file; colours become grey, 16 bits become 8, transparency is ignored.
        threshold: Grey levels above it, of 0 ... 255, are white.
        invert: Black = hole instead.
        max_pixels: Refuse a file whose header promises more; None = no limit.

    Returns:
        ``(H, W)``, bool, True = missing.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It cannot be read.
    """
    with opened(path, max_pixels, "mask.max_file_pixels") as file:
        return (_grey(ImageOps.exif_transpose(file)) > threshold) != invert


def _grey(image: Image.Image) -> np.ndarray:
    """``(H, W)``, 0 ... 255."""
    if not image.mode.startswith(("I", "F")):
        return np.asarray(image.convert("L"))
    levels = np.asarray(image)
    if image.mode == "F" or levels.min() < 0 or levels.max() > 65535:
        raise ValueError("its levels are neither of 8 nor of 16 bits")
    return levels.astype(np.uint16) >> 8


class Folder:
    """Draws one of the mask files below a folder, stretched to the picture's size.

    Args:
        root: Folder; every picture file below it is a mask.
        invert: Black = hole instead of white.
        threshold: Grey levels above it, of 0 ... 255, are white; the authors have 127.
        flip: Mirror a mask at random, in both directions.
        patch_height: Of the local critic's patch around the hole's centre of mass, in pixels.
        patch_width: Likewise.
        max_file_pixels: Refuse files whose header promises more pixels; None = no limit.
    """

    def __init__(
        self,
        root: str | None,
        invert: bool,
        threshold: int,
        flip: bool,
        patch_height: int,
        patch_width: int,
        max_file_pixels: int | None = MAX_FILE_PIXELS,
    ) -> None:
        self.root = root
        self.invert = invert
        self.threshold = threshold
        self.flip = flip
        self.patch = (patch_height, patch_width)
        self.max_file_pixels = max_file_pixels

    @cached_property
    def files(self) -> list[Path]:
        """Every mask file, sorted.

        Raises:
            ValueError: No folder was given, or it holds no picture file.
            FileNotFoundError: There is no such folder.
        """
        if self.root is None:
            raise ValueError("mask=folder needs mask.root=..., the folder of the mask files")
        root = expanded(self.root)
        if not root.is_dir():
            raise FileNotFoundError(f"mask.root: there is no folder {root}")
        found = sorted(
            path
            for path in root.rglob("*")
            if path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
        )
        if not found:
            raise ValueError(f"mask.root: no mask file ({', '.join(sorted(SUFFIXES))}) in {root}")
        return found

    def check(self, height: int, width: int) -> None:
        """Read the masks, or 1000 evenly spaced ones of more, and refuse useless ones.

        Raises:
            ValueError: The patch does not fit, or a file is unreadable or all or nothing at the
                picture's size; names it.
            FileNotFoundError: There is no such folder.
        """
        check_patch(*self.patch, height, width)
        last, count = len(self.files) - 1, min(len(self.files), CHECKED)
        for number in np.linspace(0, last, count).round().astype(int):
            self._read(self.files[number], height, width)

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw a file and its mirroring.

        Raises:
            ValueError: The file is unreadable or all or nothing at this size.
            FileNotFoundError: There is no such folder.
        """
        mask = self._read(self.files[rng.integers(len(self.files))], height, width)
        for axis in (0, 1):
            if self.flip and rng.random() < 0.5:
                mask = np.flip(mask, axis)
        return irregular_hole(np.ascontiguousarray(mask), *self.patch)

    def _read(self, path: Path, height: int, width: int) -> np.ndarray:
        mask = read_mask(path, self.threshold, self.invert, self.max_file_pixels).view(np.uint8)
        # Nearest keeps it binary; the exact form samples at pixel centres.
        resized = cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        check_not_trivial(resized.astype(bool), str(path))
        return resized.astype(bool)
