"""Fill the hole of one picture of any size."""

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from farfill.image.contact_sheet import to_uint8
from farfill.inpainting.cost import Cost
from farfill.inpainting.predictor import Predictor
from farfill.op.colour import flow_to_colour


class Filled(NamedTuple):
    """What :func:`fill` returns.

    Attributes:
        image: Shape and type of the input; known pixels are bit for bit the same.
        offsets: ``(1, 2, h, w)`` on the grid of the attention (see
            :class:`farfill.types.AttentionResult`), on the processor; ``None`` if they were not
            asked for, or the generator's attention has no notion of a source.
        seen: Height and width at which the generator saw the picture, before padding.
    """

    image: np.ndarray
    offsets: Tensor | None
    seen: tuple[int, int]


def fill(
    generator: nn.Module | Predictor,
    image: ArrayLike,
    hole: ArrayLike,
    max_pixels: int | None = None,
    offsets: bool = False,
    before: Callable[[Cost], None] | None = None,
) -> Filled:
    """Fill a hole; what ``image`` holds inside the hole has no influence.

    Args:
        generator: As of :func:`farfill.load_generator`, or a predictor of one.
        image: ``(H, W, 3)`` RGB, uint8 or uint16, or a Pillow image in RGB. Any size; the padding
            happens inside.
        hole: ``(H, W)``, bool, True = missing, or a Pillow image of one bit.
        max_pixels: A larger picture is filled at reduced size and the fill enlarged, because the
            attention's time grows with the square of the area.
        offsets: Whether to tell where each place borrowed from, which takes longer.
        before: Gets a guess of time and memory before anything is computed, if there is one; it
            may raise to stop.

    Raises:
        ValueError: If the arrays are not like this, the hole is nothing or all, or the generator
            gives values that are no numbers.
    """
    image, hole = np.asarray(image), np.asarray(hole)
    _check(image, hole, max_pixels)
    half = np.iinfo(image.dtype).max / 2
    known = image.astype(np.float32) / np.float32(half) - 1
    known[hole] = 0
    known, missing = shrink(known, hole, max_pixels)

    predictor = generator if isinstance(generator, Predictor) else Predictor(generator)
    known, padded = pad(known), pad(missing)
    if before is not None and (guess := predictor.predict_cost(padded)) is not None:
        before(guess)
    picture, places = predictor(known, padded, offsets)
    height, width = missing.shape
    refined = picture[:, :height, :width].permute(1, 2, 0).numpy()
    if not np.isfinite(refined).all():
        raise ValueError("the generator gives values that are no numbers; try another `ckpt_path`")
    completed = np.where(missing[..., None], refined, known[:height, :width])
    if missing.shape != hole.shape:
        completed = cv2.resize(completed, hole.shape[::-1], interpolation=cv2.INTER_CUBIC)
    levels = ((completed.clip(-1, 1) + 1) * half).round().astype(image.dtype)
    return Filled(np.where(hole[..., None], levels, image), places, (height, width))


def _check(image: np.ndarray, hole: np.ndarray, max_pixels: int | None) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype not in (np.uint8, np.uint16):
        raise ValueError(
            f"expected a picture (H, W, 3) of uint8 or uint16, got {image.shape} of {image.dtype}"
        )
    if hole.shape != image.shape[:2] or hole.dtype != bool:
        raise ValueError(
            f"expected a hole {image.shape[:2]} of bool, got {hole.shape} of {hole.dtype}"
        )
    if not hole.any() or hole.all():
        raise ValueError("expected a hole that is neither nothing nor the whole picture")
    if max_pixels is not None and max_pixels < 1:
        raise ValueError(f"expected `max_pixels` to be positive or null, got {max_pixels}")


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


def attention_picture(filled: Filled) -> np.ndarray:
    """Colour where each place borrowed from, each cell of the attention's grid one flat patch.

    Returns:
        ``(H, W, 3)``, uint8 RGB; colours as in :func:`farfill.op.colour.flow_to_colour`.

    Raises:
        ValueError: If the generator's attention has no notion of a source.
    """
    if filled.offsets is None:
        raise ValueError("this checkpoint's network does not say where it borrows: attention=null")
    colours = to_uint8(flow_to_colour(filled.offsets)[0])
    rows, columns = (
        np.arange(full) * seen // full * cells // (seen + -seen % 8)  # each pixel's cell
        for full, seen, cells in zip(filled.image.shape, filled.seen, colours.shape, strict=False)
    )
    return colours[rows][:, columns]
