"""Fill the hole of one picture of any size."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from torch import Tensor, nn

from farfill.inpainting.estimate import Estimate
from farfill.inpainting.padding import pad, shrink
from farfill.inpainting.predictor import Predictor


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
    image: np.ndarray,
    hole: np.ndarray,
    max_pixels: int | None = None,
    offsets: bool = False,
    before: Callable[[Estimate], None] | None = None,
) -> Filled:
    """Fill a hole; what ``image`` holds inside the hole has no influence.

    Args:
        generator: As of :func:`farfill.load_generator`, or a predictor of one.
        image: ``(H, W, 3)`` RGB, uint8 or uint16. Any size; the padding happens inside.
        hole: ``(H, W)``, bool, True = missing.
        max_pixels: A larger picture is filled at reduced size and the fill enlarged, because the
            attention's time grows with the square of the area.
        offsets: Whether to tell where each place borrowed from, which takes longer.
        before: Gets a guess of time and memory before anything is computed, if there is one; it
            may raise to stop.

    Raises:
        ValueError: If the arrays are not like this, the hole is nothing or all, or the generator
            gives values that are no numbers.
    """
    _check(image, hole, max_pixels)
    half = np.iinfo(image.dtype).max / 2
    known = image.astype(np.float32) / np.float32(half) - 1
    known[hole] = 0
    known, missing = shrink(known, hole, max_pixels)

    predictor = generator if isinstance(generator, Predictor) else Predictor(generator)
    known, padded = pad(known), pad(missing)
    if before is not None and (guess := predictor.estimate(padded)) is not None:
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
