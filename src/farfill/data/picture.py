"""Read a picture file of any usual kind as 8-bit RGB."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")


class PictureError(ValueError):
    """A picture file cannot be used; the message names it.

    A worker process of PyTorch's data loader hands an error on as its class and a printed
    traceback that ends in ``PictureError: <message>``; here it becomes the message again.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message.rpartition("PictureError: ")[2].strip())


@contextmanager
def _opened(path: str | Path) -> Iterator[Image.Image]:
    try:
        # Opened by name, Pillow 13 garbles uncompressed tif files that lie on their side.
        with Path(path).open("rb") as stream, Image.open(stream) as image:
            yield image
    except PictureError:
        raise
    except Exception as error:  # Pillow's decoders meet damaged bytes with many kinds of error
        reason = " ".join(str(error).split()) or type(error).__name__
        raise PictureError(f"cannot read the picture {path}: {reason}") from error


def picture_size(path: str | Path) -> tuple[int, int]:
    """Height and width in pixels as the file's header has them, before EXIF turns the picture.

    Raises:
        PictureError: The header cannot be read, or promises more than Pillow's pixel limit.
    """
    with _opened(path) as image:
        return image.height, image.width


def read_picture(path: str | Path) -> np.ndarray:
    """Decode a picture.

    * EXIF orientation is honoured: the picture is as a viewer shows it.
    * Grey and palette pictures become RGB; so do CMYK and other colour spaces, as Pillow does it.
    * Transparency is composited over white, the page that most such pictures were made for; the
      colours stored under transparent pixels are arbitrary.
    * 16 bits are scaled to 8, not clipped: 65535 becomes 255. Floating-point pictures are refused,
      because their range is anyone's guess.
    * Of several frames or pages the first is taken.

    Returns:
        ``(H, W, 3)``, uint8, RGB.

    Raises:
        PictureError: The file is missing, damaged, of no known kind, or has more pixels than
            Pillow's limit against decompression bombs.
    """
    with _opened(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode.startswith("I"):
            image = Image.fromarray(_eight_bits(np.asarray(image), path))
        elif image.mode == "F":
            raise PictureError(f"cannot read the picture {path}: its levels are floating-point")
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.array(image.convert("RGB"))


def _eight_bits(levels: np.ndarray, path: str | Path) -> np.ndarray:
    """Scale 0 ... 65535 to 0 ... 255; Pillow itself would clip."""
    if levels.min() < 0 or levels.max() > 65535:
        raise PictureError(f"cannot read the picture {path}: its levels are beyond 16 bits")
    return ((levels.astype(np.int64) + 128) // 257).astype(np.uint8)
