"""Fill the holes of a picture file."""

import numpy as np
import torch

from farfill.image.hole import grow, read_hole, transparent
from farfill.image.picture import Picture, read_picture
from farfill.image.read import open_image
from farfill.image.write import check_depth, check_sides, write_picture
from farfill.inpainting.fill import Filled, fill
from farfill.inpainting.pairing import Job
from farfill.inpainting.partial import Cost, multiplications_per_second
from farfill.inpainting.predictor import Predictor
from farfill.machine import memory
from farfill.text import counted, one_line

_LONG_S = 10  # from which on a picture is announced
_BYTES_PER_PIXEL = 48  # of the whole picture; measured: 30 for 8-bit RGB to 47 for 16-bit RGBA
_FILE_WORK = 35_000  # time per pixel of a .png that is written, in multiplications of the network


def fill_file(
    job: Job,
    predictor: Predictor,
    *,
    threshold: float | None,
    invert: bool,
    resize_mask: bool,
    max_hole: float,
    dilate: int,
    feather: int,
    crop: int | None,
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
    pixels = check_headers(job, max_file_pixels)
    held = _BYTES_PER_PIXEL * pixels

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
        work = _FILE_WORK * pixels * (1 if job.attention is None else 2)
        seconds = guess.seconds + work / multiplications_per_second(torch.device("cpu"))
        needs = f"about {seconds:.0f} s and {gigabytes:.1f} GB of memory"
        check_memory(needs, gigabytes, "lower max_pixels")
        if seconds > _LONG_S:
            print(one_line(f"{job.image}: {needs}; a smaller max_pixels takes less"), flush=True)

    needs = f"about {held / 1e9:.1f} GB of memory at its full size, whatever max_pixels is"
    check_memory(needs, held / 1e9, "scale it down")
    picture = read_picture(job.image, max_file_pixels)
    check_depth(job.output, picture)
    if job.mask is None:
        hole = transparent(picture, str(job.image), max_hole)
    else:
        hole = read_hole(
            job.mask, picture.size, threshold, invert, resize_mask, max_hole, max_file_pixels
        )
    hole = grow(hole, dilate)
    filled = fill(predictor, picture.rgb(), hole, max_pixels, crop, feather, announce)
    result = picture.with_fill(filled.image, filled.hole)
    if job.attention is not None:  # first, so that what cannot be drawn leaves nothing behind
        drawn = np.asarray(filled.attention().picture())
        check_sides(job.attention, drawn.shape[:2])  # wider than the picture by its key
        write_picture(job.attention, drawn)
    write_picture(job.output, result.opaque(filled.hole) if job.mask is None else result)
    return f"{job.image} -> {job.output} ({_note(picture, filled, job.mask is not None)})"


def _note(picture: Picture, filled: Filled, keeps_alpha: bool) -> str:
    height, width = picture.size
    note = f"{width} x {height}, hole {filled.hole.mean():.1%}"
    if filled.crops[0].own.shape != picture.size:
        note += f", {counted(len(filled.crops), 'crop')}"
    for crop, seen in zip(filled.crops, filled.seen, strict=True):
        if seen != crop.own.shape:
            of = (
                "" if crop.own.shape == picture.size else "{1} x {0} of it ".format(*crop.own.shape)
            )
            note += f", {of}filled at {seen[1]} x {seen[0]} and enlarged (max_pixels)"
    if keeps_alpha and picture.alpha is not None and not picture.alpha[filled.hole].any():
        note += "; the fill cannot be seen: alpha is kept, and it is 0 in the whole hole"
    return note


def check_headers(job: Job, max_file_pixels: int | None) -> int:
    """Pixels of the larger of picture and mask, as far as their headers tell.

    Raises:
        ValueError: If a file cannot be used, or a result's format cannot hold the picture's sides.
    """
    pixels = []
    for path in (job.image, job.mask or job.image):
        with open_image(path, max_file_pixels, "max_file_pixels") as header:
            width, height = header.size
        pixels.append(height * width)
        for result in (job.output, job.attention):
            if path == job.image and result is not None:
                check_sides(result, (height, width))
    return max(pixels)
