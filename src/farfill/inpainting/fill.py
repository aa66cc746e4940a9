"""Fill the hole of one picture of any size: in memory, and from file to file."""

import math
from collections.abc import Callable
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import ArrayLike
from torch import Tensor, nn

from farfill.image.contact_sheet import to_uint8
from farfill.image.hole import read_hole
from farfill.image.picture import read_picture
from farfill.image.read import open_image
from farfill.image.write import check_depth, check_sides, write_picture
from farfill.inpainting.pairing import Job
from farfill.inpainting.partial import Cost
from farfill.inpainting.predictor import Predictor
from farfill.machine import memory
from farfill.op.colour import flow_to_colour
from farfill.text import one_line

_LONG_S = 10  # from which on a picture is announced
_BYTES_PER_PIXEL = 48  # of the whole picture; measured: 30 for 8-bit RGB to 47 for 16-bit RGBA


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


def fill_file(
    job: Job,
    predictor: Predictor,
    *,
    threshold: float,
    invert: bool,
    resize_mask: bool,
    max_hole: float,
    max_pixels: int | None,
    max_file_pixels: int | None,
    memory_limit: float | None,
) -> str:
    """Fill a picture file, and say so; the options are those of ``conf/run/inpaint.yaml``.

    Raises:
        ValueError: If a file or option is wrong, or the picture takes more memory than it may.
        OSError: If the result cannot be written.
    """
    available = memory().available / 1e9 if memory_limit is None else memory_limit
    held = check_headers(job, max_file_pixels)

    def check_memory(needs: str, gigabytes: float, remedy: str) -> None:
        if gigabytes > available:
            free = f"the {available:.1f} GB that are free"
            raise ValueError(
                f"{job.image} takes {needs}, more than "
                f"{free if memory_limit is None else 'memory_limit'}: {remedy}, or raise "
                "memory_limit"
            )

    def announce(guess: Cost) -> None:
        gigabytes = (guess.bytes + held) / 1e9
        needs = f"about {guess.seconds:.0f} s and {gigabytes:.1f} GB of memory"
        check_memory(needs, gigabytes, "lower max_pixels")
        if guess.seconds > _LONG_S:
            print(one_line(f"{job.image}: {needs}; a smaller max_pixels takes less"), flush=True)

    needs = f"about {held / 1e9:.1f} GB of memory at its full size, whatever max_pixels is"
    check_memory(needs, held / 1e9, "scale it down")
    picture = read_picture(job.image, max_file_pixels)
    check_depth(job.output, picture)
    hole = read_hole(
        job.mask, picture.size, threshold, invert, resize_mask, max_hole, max_file_pixels
    )
    borrowed = job.attention is not None
    filled = fill(predictor, picture.rgb(), hole, max_pixels, offsets=borrowed, before=announce)
    write_picture(job.output, picture.with_fill(filled.image, hole))
    if job.attention is not None:
        write_picture(job.attention, attention_picture(filled))
    height, width = picture.size
    note = f"{width} x {height}, hole {hole.mean():.1%}"
    if filled.seen != picture.size:
        note += f", filled at {filled.seen[1]} x {filled.seen[0]} and enlarged (max_pixels)"
    if picture.alpha is not None and not picture.alpha[hole].any():
        note += "; the fill cannot be seen: alpha is kept, and it is 0 in the whole hole"
    return f"{job.image} -> {job.output} ({note})"


def check_headers(job: Job, max_file_pixels: int | None) -> float:
    """Bytes that picture and mask take at their full size, as far as their headers tell.

    Raises:
        ValueError: If a file cannot be used, or a result's format cannot hold the picture's sides.
    """
    pixels = []
    for path in (job.image, job.mask):
        with open_image(path, max_file_pixels, "max_file_pixels") as header:
            width, height = header.size
        pixels.append(height * width)
        for result in (job.output, job.attention):
            if path == job.image and result is not None:
                check_sides(result, (height, width))
    return _BYTES_PER_PIXEL * max(pixels)


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
        image: ``(H, W, 3)`` RGB, uint8 or uint16, or a Pillow image in RGB; of any size.
        hole: ``(H, W)``, bool, True = missing, or a Pillow image of one bit.
        max_pixels: A larger picture is filled at reduced size and the fill enlarged.
        offsets: Whether to tell where each place borrowed from, which takes longer.
        before: Gets a guess of time and memory, if there is one; it may raise to stop.

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
    completed.clip(-1, 1, out=completed)  # in place: of a large picture every copy is gigabytes
    completed += 1
    completed *= half
    levels = completed.round(out=completed).astype(image.dtype)
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


def attention_picture(filled: Filled) -> np.ndarray:
    """Colour where each place borrowed from, a flat patch per cell: ``(H, W, 3)``, uint8 RGB.

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
