"""Fill the holes of one picture of any size, in memory."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from farfill.image.hole import distance_to, grow
from farfill.image.picture import full_level, in_levels
from farfill.inpainting.borrowing import Attention, sources_of
from farfill.inpainting.crop import SIDE, Crop, crops_of
from farfill.inpainting.partial import Cost
from farfill.inpainting.predictor import Predictor
from farfill.inpainting.window import Size


@dataclass(frozen=True)
class Filled:
    """What :func:`fill` returns.

    Attributes:
        image: Shape and type of the input; what is not in ``hole`` is bit for bit the same.
        hole: ``(H, W)``, bool: what was filled, the feather included.
        crops: Parts of the picture that were filled each on its own.
        offsets: Of each crop, ``(1, 2, h, w)`` on the grid of the attention (see
            :class:`farfill.types.AttentionResult`), on the processor; of contextual attention those
            in the hole's rows only, elsewhere 0. Empty if the generator's attention has no notion
            of a source.
        seen: Height and width at which the generator saw each crop, before padding.
        cell: Side of a place of the attention's grid, in pixels that the generator saw.
    """

    image: np.ndarray
    hole: np.ndarray
    crops: list[Crop]
    offsets: list[Tensor]
    seen: list[Size]
    cell: int

    def attention(self) -> Attention:
        """Where each missing pixel borrowed from.

        Raises:
            ValueError: If the generator's attention has no notion of a source.
        """
        if not self.offsets:
            raise ValueError("this network does not say where it borrows: attention=null")
        sources = sources_of(self.crops, self.offsets, self.seen, self.hole.shape, self.cell)
        return Attention(sources, self.image)


def fill(
    generator: nn.Module | Predictor,
    image: ArrayLike,
    hole: ArrayLike,
    max_pixels: int | None = None,
    crop: int | None = SIDE,
    feather: int = 0,
    before: Callable[[Cost], None] | None = None,
) -> Filled:
    """Fill a hole; what ``image`` holds inside the hole has no influence.

    Args:
        generator: As of :func:`farfill.load_generator`, or a predictor of one.
        image: ``(H, W, 3)`` RGB, uint8, uint16 or floating point in ``[0, 1]``, or a Pillow image
            in RGB; of any size.
        hole: ``(H, W)``, bool, True = missing, or a Pillow image of one bit.
        max_pixels: A larger crop is filled at reduced size and the fill enlarged.
        crop: Least side in pixels of what is cut out around each hole and filled at full
            resolution (see :func:`farfill.inpainting.crop.crops_of`); None: fill the picture as a
            whole.
        feather: So many pixels around the hole are predicted, too, and fade into what is known.
        before: Gets a guess of time and memory, if there is one; it may raise to stop.

    Raises:
        ValueError: If the arrays are not like this, the hole is nothing or all, or the generator
            gives values that are no numbers.
    """
    image, hole = np.asarray(image), np.asarray(hole)
    _check(image, hole, max_pixels)
    missing = grow(hole, feather)
    if missing.all():
        raise ValueError("expected a hole that is neither nothing nor the whole picture")
    predictor = generator if isinstance(generator, Predictor) else Predictor(generator)
    crops = crops_of(missing, crop, max_pixels)
    inputs = [_inputs(image[part.slices], part.missing, max_pixels) for part in crops]
    if before is not None:
        _announce(before, [predictor.predict_cost(pad(reduced)) for _, reduced in inputs])

    result, offsets, seen = image.copy(), [], []
    for part, (known, reduced) in zip(crops, inputs, strict=True):
        completed, places = _complete(predictor, known, reduced)
        if reduced.shape != part.missing.shape:
            size = part.missing.shape[::-1]
            completed = cv2.resize(completed, size, interpolation=cv2.INTER_CUBIC)
        completed.clip(-1, 1, out=completed)  # in place: a copy of a large picture is gigabytes
        completed += 1
        completed *= full_level(image) / 2
        levels = in_levels(completed, image.dtype)
        np.copyto(result[part.slices], levels, where=part.own[..., None])
        seen.append(reduced.shape)
        offsets += [] if places is None else [places]
    if feather:
        rim = missing & ~hole
        share = (1 - distance_to(hole)[rim] / (feather + 1))[:, None]
        result[rim] = in_levels(share * result[rim] + (1 - share) * image[rim], image.dtype)
    return Filled(result, missing, crops, offsets, seen, predictor.cell)


def _announce(before: Callable[[Cost], None], guesses: Sequence[Cost | None]) -> None:
    if costs := [guess for guess in guesses if guess is not None]:
        before(Cost(sum(cost.seconds for cost in costs), max(cost.bytes for cost in costs)))


def _check(image: np.ndarray, hole: np.ndarray, max_pixels: int | None) -> None:
    floating = image.dtype.kind == "f"
    if image.ndim != 3 or image.shape[2] != 3 or not (floating or image.dtype in ("u1", "u2")):
        raise ValueError(
            "expected a picture (H, W, 3) of uint8, uint16, or floating point in [0, 1], got "
            f"{image.shape} of {image.dtype}"
        )
    if floating and not (image.min() >= 0 and image.max() <= 1):  # neither is true of NaN
        raise ValueError(
            f"expected a picture of floating point in [0, 1], got {image.min():g} to "
            f"{image.max():g}: scale it, or give uint8"
        )
    if hole.shape != image.shape[:2] or hole.dtype != bool:
        raise ValueError(
            f"expected a hole {image.shape[:2]} of bool, got {hole.shape} of {hole.dtype}"
        )
    if not hole.any() or hole.all():
        raise ValueError("expected a hole that is neither nothing nor the whole picture")
    if max_pixels is not None and max_pixels < 1:
        raise ValueError(f"expected `max_pixels` to be positive or null, got {max_pixels}")


def _inputs(
    image: np.ndarray, hole: np.ndarray, max_pixels: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """What a generator sees: float32 in ``[-1, 1]``, 0 in the hole; and the hole."""
    known = image.astype(np.float32) / np.float32(full_level(image) / 2) - 1
    known[hole] = 0
    return shrink(known, hole, max_pixels)


def _complete(
    predictor: Predictor, known: np.ndarray, missing: np.ndarray
) -> tuple[np.ndarray, Tensor | None]:
    """The completed picture ``(H, W, 3)``, float32 in ``[-1, 1]`` or beyond, and offsets."""
    picture, offsets = predictor(pad(known), pad(missing))
    height, width = missing.shape
    refined = picture[:, :height, :width].permute(1, 2, 0).numpy()
    if not np.isfinite(refined).all():
        raise ValueError("the generator gives values that are no numbers; try another `ckpt_path`")
    return np.where(missing[..., None], refined, known), offsets


def pad(array: np.ndarray) -> np.ndarray:
    """Mirror ``(H, W, ...)`` at the right and lower edge up to multiples of 8.

    Padded alike, the mirror image of a hole is a hole. Fewer than 8 pixels are added, less than a
    cell of the attention's grid, so every cell that is borrowed from holds pixels of the picture.
    """
    height, width = array.shape[:2]
    margins = [(0, -height % 8), (0, -width % 8)]
    return np.pad(array, margins + [(0, 0)] * (array.ndim - 2), mode="reflect")


def shrink(
    known: np.ndarray, hole: np.ndarray, max_pixels: int | None
) -> tuple[np.ndarray, np.ndarray]:
    """Reduce a picture of more than ``max_pixels`` pixels, 0 in its hole, keeping its shape.

    A reduced pixel is the mean of the *known* pixels it covers, missing if more than half of it is.
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
