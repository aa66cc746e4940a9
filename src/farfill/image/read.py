"""Open a picture file, or say in one sentence why it cannot be used; read it in 8 bits.

What is to be written again is read with all its depth by :mod:`farfill.image.picture`.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from farfill.text import one_line

#: File names that count as pictures to learn from and as masks.
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp")

#: Most pixels of a picture file unless a setting says otherwise: what the largest telephones take.
MAX_FILE_PIXELS = 200_000_000

# Pillow knows many more, for one of which it starts a program (Ghostscript, for EPS).
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")


class PictureError(ValueError):
    """A picture file cannot be used; the message names it."""

    def __init__(self, message: str) -> None:
        # A worker of PyTorch's data loader hands an error on with a traceback before the message.
        super().__init__(message.rpartition("PictureError: ")[2].strip())


@contextmanager
def open_image(path: str | Path, max_pixels: int | None, setting: str) -> Iterator[ImageFile]:
    """Open a png, jpg, tif, webp, bmp or gif, whatever its extension.

    Args:
        path: The file.
        max_pixels: Refuse files whose header promises more, before any memory is taken for them:
            a few bytes can promise any size. None = no limit.
        setting: Name of ``max_pixels`` for the user.

    Raises:
        PictureError: There is no such file, or it is no such picture, damaged, or larger, or
            anything goes wrong inside the block; names the file and the reason.
    """
    path = Path(path)
    too_large = (
        f"it has more than {max_pixels} pixels: raise {setting}, or give null for no limit, if you "
        "trust the file"
    )
    limit = Image.MAX_IMAGE_PIXELS  # Pillow's own, for the whole process: ours decides if higher
    if limit is not None and (max_pixels is None or max_pixels > limit):
        Image.MAX_IMAGE_PIXELS = max_pixels
    try:
        # Opening a pipe would wait for its other end.
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")
        # Opened by name, Pillow 13 garbles uncompressed tif files that lie on their side.
        with path.open("rb") as stream, Image.open(stream, formats=_FORMATS) as image:
            if max_pixels is not None and image.width * image.height > max_pixels:
                raise ValueError(too_large)
            yield image
    except Exception as error:  # Pillow's decoders meet damaged bytes with many kinds of error
        reason: object = getattr(error, "strerror", None) or error
        if isinstance(error, UnidentifiedImageError):
            reason = f"it is none of {', '.join(_FORMATS).lower()}"
        elif isinstance(error, Image.DecompressionBombError):
            reason = too_large
        raise PictureError(f"cannot read the picture {path}: {one_line(reason)}") from error


def picture_size(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> tuple[int, int]:
    """Height and width in pixels as the file's header has them, before EXIF turns the picture."""
    with open_image(path, max_pixels, "data.max_file_pixels") as file:
        return file.height, file.width


def read_rgb(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> np.ndarray:
    """Read a picture to learn from as 8-bit RGB.

    * EXIF orientation is honoured: the picture is as a viewer shows it.
    * Grey and palette pictures become RGB; so do CMYK and other colour spaces, as Pillow does it.
    * Transparency is composited over white, the page that most such pictures were made for.
    * 16 bits are scaled to 8, not clipped: 65535 becomes 255. Floating-point pictures are refused,
      because their range is anyone's guess.
    * Of several frames or pages the first is taken.

    The result is ``(H, W, 3)``; errors are those of :func:`open_image`.
    """
    with open_image(path, max_pixels, "data.max_file_pixels") as file:
        image = _upright_in_8_bits(file)
        if image.has_transparency_data:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return np.array(image.convert("RGB"))


def read_grey(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> np.ndarray:
    """Read a mask to learn with as 8-bit grey ``(H, W)``: as :func:`read_rgb`, alpha ignored."""
    # Not with OpenCV, which takes half a JPEG for a whole one.
    with open_image(path, max_pixels, "mask.max_file_pixels") as file:
        return np.asarray(_upright_in_8_bits(file).convert("L"))


def _upright_in_8_bits(file: ImageFile) -> Image.Image:
    image = ImageOps.exif_transpose(file)
    if image.mode == "F":
        raise ValueError("its levels are floating-point")
    if not image.mode.startswith("I"):
        return image
    levels = np.asarray(image)
    if levels.min() < 0 or levels.max() > 65535:
        raise ValueError("its levels are beyond 16 bits")
    # Pillow itself would clip.
    return Image.fromarray(((levels.astype(np.int64) + 128) // 257).astype(np.uint8))
