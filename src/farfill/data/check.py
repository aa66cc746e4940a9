"""Look at the pictures before training does."""

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np

from farfill.image.read import MAX_FILE_PIXELS, PictureError, picture_size, read_rgb

CHECKED = 5000  # headers read per data set
THREADS = 8


def check_sizes(
    paths: Sequence[Path], resize: int | None, side: int, max_pixels: int | None = MAX_FILE_PIXELS
) -> None:
    """Read the headers of all pictures, or of 5000 evenly spaced ones of more.

    Every picture will have ``resize`` pixels on its shorter side (None = its own), and a square
    crop of ``side`` pixels; files that promise more than ``max_pixels`` are refused.

    Raises:
        ValueError: ``resize`` is smaller than the crop or makes more than ``max_pixels``; or, as
            ``PictureError``, a header is unreadable or a picture smaller than the crop.
    """
    if resize is not None and resize < side:
        raise ValueError(
            f"expected data.resize to be at least image_size={side}, got {resize}: pictures would "
            "be smaller than the crop"
        )
    if resize is not None and max_pixels is not None and resize**2 > max_pixels:
        raise ValueError(
            f"expected data.resize to make pictures of at most data.max_file_pixels={max_pixels}, "
            f"got {resize}"
        )
    numbers = np.linspace(0, len(paths) - 1, min(len(paths), CHECKED)).round().astype(int)
    some = [paths[number] for number in numbers]
    with ThreadPoolExecutor(THREADS) as pool:
        sizes = pool.map(partial(picture_size, max_pixels=max_pixels), some)
        for path, size in zip(some, sizes, strict=True):
            if resize is None:
                check_size(path, size, side)


def check_size(path: Path, size: Iterable[int], side: int) -> None:
    """Refuse a picture of a ``size`` (height, width) smaller than the crop (``PictureError``)."""
    height, width = size
    if min(height, width) < side:
        raise PictureError(
            f"the picture {path} ({height} x {width}) is smaller than the crop of {side} x {side}: "
            f"scale pictures with data.resize={side} or more, or lower image_size"
        )


def unreadable(paths: Sequence[Path], max_pixels: int | None = MAX_FILE_PIXELS) -> set[Path]:
    """Decode every picture, and list once those that fail.

    With ``data.on_error=skip`` this comes before training, so that every later index means the
    same picture in every process, and no picture counts twice.

    Raises:
        ValueError: No picture at all is readable.
    """

    def reason(path: Path) -> str | None:
        try:
            read_rgb(path, max_pixels)
        except PictureError as error:
            return str(error)
        return None

    with ThreadPoolExecutor(THREADS) as pool:
        reasons = {p: r for p, r in zip(paths, pool.map(reason, paths), strict=True) if r}
    if not reasons:
        return set()
    if len(reasons) == len(paths):
        raise ValueError(
            f"none of the {len(paths)} pictures can be read: {next(iter(reasons.values()))}"
        )
    logging.getLogger(__name__).warning(
        "data.on_error=skip: skipped %d of %d pictures:\n  %s",
        len(reasons),
        len(paths),
        "\n  ".join(reasons.values()),
    )
    return set(reasons)
