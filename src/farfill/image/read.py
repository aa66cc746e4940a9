"""Read a picture file of any usual kind as 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from farfill.image.open import MAX_FILE_PIXELS, opened

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


class PictureError(ValueError):
    """A picture file cannot be used; the message names it.

    A worker process of PyTorch's data loader hands an error on as its class and a printed
    traceback that ends in ``PictureError: <message>``; here it becomes the message again.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message.rpartition("PictureError: ")[2].strip())


@contextmanager
def _opened(path: str | Path, max_pixels: int | None) -> Iterator[Image.Image]:
    try:
        with opened(path, max_pixels, "data.max_file_pixels") as image:
            yield image
    except FileNotFoundError as error:
        raise PictureError(f"cannot read the picture {path}: there is no such file") from error
    except ValueError as error:
        raise PictureError(str(error)) from error


def picture_size(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> tuple[int, int]:
    """Height and width in pixels as the file's header has them, before EXIF turns the picture.

    Raises:
        PictureError: The header cannot be read, or promises more than ``max_pixels``.
    """
    with _opened(path, max_pixels) as image:
        return image.height, image.width


def read_picture(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> np.ndarray:
    """Decode a picture.

    * EXIF orientation is honoured: the picture is as a viewer shows it.
    * Grey and palette pictures become RGB; so do CMYK and other colour spaces, as Pillow does it.
    * Transparency is composited over white, the page that most such pictures were made for; the
      colours stored under transparent pixels are arbitrary.
    * 16 bits are scaled to 8, not clipped: 65535 becomes 255. Floating-point pictures are refused,
      because their range is anyone's guess.
    * Of several frames or pages the first is taken.

    Args:
        path: The file.
        max_pixels: Refuse files whose header promises more; None = no limit.

    Returns:
        ``(H, W, 3)``, uint8, RGB.

    Raises:
        PictureError: The file is missing, damaged, of no known kind, or has more than
            ``max_pixels``.
    """
    with _opened(path, max_pixels) as file:
        image = ImageOps.exif_transpose(file)
        if image.mode.startswith("I"):
            image = Image.fromarray(_eight_bits(np.asarray(image)))
        elif image.mode == "F":
            raise ValueError("its levels are floating-point")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.array(image.convert("RGB"))


def _eight_bits(levels: np.ndarray) -> np.ndarray:
    """Scale 0 ... 65535 to 0 ... 255; Pillow itself would clip."""
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError("its levels are beyond 16 bits")
    return ((levels.astype(np.int64) + 128) // 257).astype(np.uint8)
