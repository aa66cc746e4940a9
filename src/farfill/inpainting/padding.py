"""Sizes: bring any picture to one the generator takes."""

from __future__ import annotations

import math

import cv2
import numpy as np


def pad(array: np.ndarray, multiple: int = 8) -> np.ndarray:
    """Mirror ``(H, W, ...)`` at the right and lower edge up to multiples of ``multiple``.

    Picture and hole are padded alike: the mirror image of a hole is a hole, the mirror image of
    something known counts as known. Fewer than 8 pixels are added, less than a cell of the
    attention's grid, so every cell that is borrowed from holds pixels of the picture. A side of
    one pixel is repeated.
    """
    height, width = array.shape[:2]
    margins = [(0, -height % multiple), (0, -width % multiple)]
    return np.pad(array, margins + [(0, 0)] * (array.ndim - 2), mode="reflect")


def shrink(
    known: np.ndarray, hole: np.ndarray, max_pixels: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Reduce a picture of more than ``max_pixels`` pixels, keeping its shape.

    A reduced pixel is the mean of the *known* pixels it covers; it is missing if more than half of
    it is.

    Args:
        known: ``(H, W, 3)``, float32, 0 in the hole.
        hole: ``(H, W)``, bool, True = missing.
        max_pixels: Height times width of the result at most; ``None``: no limit.

    Returns:
        ``known`` and ``hole``, reduced or as they are.
    """
    height, width = hole.shape
    if max_pixels is None or height * width <= max_pixels:
        return known, hole
    scale = math.sqrt(max_pixels / (height * width))
    rows = min(max(1, int(height * scale)), max_pixels)
    size = (max(1, min(int(width * scale), max_pixels // rows)), rows)
    weight = cv2.resize((~hole).astype(np.float32), size, interpolation=cv2.INTER_AREA)
    total = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    missing = weight < 0.5
    mean = total / np.where(missing, 1, weight)[..., None]
    return np.where(missing[..., None], np.float32(0), mean), missing
