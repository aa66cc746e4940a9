"""Open a picture file, or say in one sentence why it cannot be used."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError
from PIL.ImageFile import ImageFile

from farfill.text import one_line

#: Most pixels of a picture file unless a setting says otherwise: what the largest telephones take.
MAX_FILE_PIXELS = 200_000_000

# Pillow knows many more, for one of which it starts a program (Ghostscript, for EPS).
_FORMATS = ("PNG", "JPEG", "TIFF", "WEBP", "BMP", "GIF")


@contextmanager
def opened(path: str | Path, max_pixels: int | None, setting: str) -> Iterator[ImageFile]:
    """Open a png, jpg, tif, webp, bmp or gif, whatever its extension.

    Whatever goes wrong inside the block counts as a fault of the file.

    Args:
        path: The file.
        max_pixels: Refuse files whose header promises more, before any memory is taken for them:
            a few bytes can promise any size. None = no limit.
        setting: Name of ``max_pixels`` for the user.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no such picture, damaged, or larger; names the file and the reason.
    """
    path = Path(path)
    too_large = (
        f"it has more than {max_pixels} pixels: raise {setting}, or give null for no limit, if you "
        "trust the file"
    )
    try:
        # Opening a pipe would wait for its other end.
        if path.exists() and not path.is_file():
            raise ValueError("it is no file")
        _lift_pillows_limit(max_pixels)
        # Opened by name, Pillow 13 garbles uncompressed tif files that lie on their side.
        with path.open("rb") as stream, Image.open(stream, formats=_FORMATS) as image:
            if max_pixels is not None and image.width * image.height > max_pixels:
                raise ValueError(too_large)
            yield image
    except FileNotFoundError:
        raise
    except UnidentifiedImageError as error:
        expected = ", ".join(_FORMATS).lower()
        raise ValueError(f"cannot read the picture {path}: it is none of {expected}") from error
    except Image.DecompressionBombError as error:
        raise ValueError(f"cannot read the picture {path}: {too_large}") from error
    except Exception as error:  # Pillow's decoders meet damaged bytes with many kinds of error
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise ValueError(f"cannot read the picture {path}: {one_line(reason)}") from error


def _lift_pillows_limit(max_pixels: int | None) -> None:
    """Let a higher limit of ours decide: Pillow has one of its own for the whole process."""
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and (max_pixels is None or max_pixels > limit):
        Image.MAX_IMAGE_PIXELS = max_pixels
