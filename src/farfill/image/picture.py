"""Read a picture with all it has: grey stays grey, alpha stays, 16 bits stay 16 bits.

The result is written back, so nothing may get lost.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageOps
from PIL.ExifTags import Base
from PIL.ImageFile import ImageFile

from farfill.image.read import MAX_FILE_PIXELS, open_image

_GREY = ("1", "L", "LA")
_COLOUR = ("RGB", "RGBA", "P", "PA")


@dataclass(frozen=True)
class Picture:
    """A still picture as its file holds it, upright."""

    pixels: np.ndarray  # (H, W) if grey, else (H, W, 3) RGB; uint8, uint16, or float in [0, 1]
    alpha: np.ndarray | None = None  # (H, W) of the same type; 0 = transparent
    profile: bytes | None = None  # ICC colour profile

    @classmethod
    def of(cls, channels: np.ndarray, profile: bytes | None = None) -> Picture:
        """Of ``(H, W, 1 to 4)``: grey or RGB, and alpha if there are two or four channels."""
        count = channels.shape[2]
        pixels = np.ascontiguousarray(channels[..., :3] if count > 2 else channels[..., 0])
        alpha = np.ascontiguousarray(channels[..., -1]) if count in (2, 4) else None
        return cls(pixels, alpha, profile)

    @property
    def channels(self) -> np.ndarray:
        """All of them: ``(H, W)`` if grey, else ``(H, W, 2 to 4)``."""
        return self.pixels if self.alpha is None else np.dstack([self.pixels, self.alpha])

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.pixels.shape[0], self.pixels.shape[1]

    def rgb(self) -> np.ndarray:
        """``(H, W, 3)``, a grey picture three times; same type as the pixels."""
        return np.dstack([self.pixels] * 3) if self.pixels.ndim == 2 else self.pixels

    def with_fill(self, rgb: np.ndarray, hole: np.ndarray) -> Picture:
        """The picture with the ``hole`` ``(H, W)`` taken from ``rgb`` ``(H, W, 3)``.

        A grey picture takes the luminance. All else, and all of alpha, stays bit for bit.
        """
        grey = self.pixels.ndim == 2
        fill = in_levels(luminance(rgb), rgb.dtype) if grey else rgb
        where = hole if grey else hole[..., None]
        return replace(self, pixels=np.where(where, fill, self.pixels))

    def opaque(self, hole: np.ndarray) -> Picture:
        """The picture with nothing transparent in the ``hole``."""
        assert self.alpha is not None
        return replace(
            self, alpha=np.where(hole, self.alpha.dtype.type(full_level(self.alpha)), self.alpha)
        )


def full_level(pixels: np.ndarray) -> float:
    """What is white: 1 in floating point, else the type's largest."""
    return 1.0 if pixels.dtype.kind == "f" else float(np.iinfo(pixels.dtype).max)


def in_levels(values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """Float values as ``dtype``, rounded if that has whole numbers only, in place where it can."""
    return (values if dtype.kind == "f" else values.round(out=values)).astype(dtype)


def luminance(rgb: np.ndarray) -> np.ndarray:
    """Grey of ``(H, W, 3)`` after ITU-R BT.601: ``(H, W)``, float32, in the range of the input."""
    return rgb.astype(np.float32) @ np.array((0.299, 0.587, 0.114), np.float32)


def read_picture(path: str | Path, max_pixels: int | None = MAX_FILE_PIXELS) -> Picture:
    """Read a png, jpg, tif, webp, bmp or gif.

    Palettes and colour keys become RGB or RGBA, one-bit pictures 8-bit grey. An EXIF orientation
    is applied, so that a mask drawn over what a viewer shows fits. Of the metadata only the
    colour profile is kept: EXIF may hold a preview of what is to be removed.

    Raises:
        PictureError: There is no such file, or it is no such picture, damaged, animated, larger
            than ``max_pixels`` (None = no limit), or of a kind that cannot be kept (CMYK ...).
    """
    with open_image(path, max_pixels, "max_file_pixels") as file:
        return Picture.of(_read_channels(file, Path(path)), file.info.get("icc_profile"))


def _read_channels(file: ImageFile, path: Path) -> np.ndarray:
    """All channels, upright: ``(H, W, 1 to 4)``, uint8 or uint16."""
    # An MPO is a JPEG with a preview behind it, as telephones write it.
    if getattr(file, "n_frames", 1) > 1 and file.format != "MPO":
        raise ValueError("it holds several pictures; expected one still picture")
    layout = ""
    if file.format in ("PNG", "TIFF") and file.tile:
        # How pixels lie in the file, such as RGB;16B: Pillow reads 16-bit colours as 8-bit ones.
        arguments = file.tile[0][3]
        layout = arguments if isinstance(arguments, str) else str((arguments or [""])[0])
    if re.fullmatch(r"I;16[LBN]?", layout):
        pixels = np.asarray(ImageOps.exif_transpose(file)).astype(np.uint16)
        key = file.info.get("transparency")
        alpha = [] if key is None else [np.where(pixels == key, 0, 65535).astype(np.uint16)]
        return np.dstack([pixels, *alpha])
    if ";16" in layout:
        return _read_colour_16(file, path, layout.split(";")[0])
    return channels_of(ImageOps.exif_transpose(file))


def channels_of(image: Image.Image) -> np.ndarray:
    """All channels of Pillow's picture: ``(H, W, 1 to 4)``, uint8, or uint16 of one grey channel.

    Palettes and colour keys become RGB or RGBA.

    Raises:
        ValueError: Its colours are of a kind that cannot be kept (CMYK ...).
    """
    if image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.uint16)[..., None]
    if image.mode not in _GREY + _COLOUR:
        raise ValueError(f"its colours are {image.mode}; convert it to grey or RGB first")
    image.load()  # only then its transparency is known
    mode = ("L" if image.mode in _GREY else "RGB") + ("A" if image.has_transparency_data else "")
    return np.atleast_3d(np.asarray(image.convert(mode)))


def _read_colour_16(file: ImageFile, path: Path, channels: str) -> np.ndarray:
    if channels not in ("RGB", "RGBA", "LA"):
        raise ValueError(
            f"its 16-bit channels are {channels}; expected interleaved RGB, or RGB with plain alpha"
        )
    orientation = file.getexif().get(Base.Orientation, 1)
    if file.format == "TIFF" and orientation != 1:  # OpenCV 5 cannot read these
        raise ValueError("it is a 16-bit TIFF with an orientation tag; save it upright first")
    pixels = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise ValueError("its data are damaged")
    # OpenCV keeps blue first, and reads grey with alpha as four channels.
    order = [0, 3] if channels == "LA" else [2, 1, 0, 3][: pixels.shape[2]]
    return upright(pixels[..., order], orientation)


def upright(pixels: np.ndarray, orientation: int) -> np.ndarray:
    """Turn ``(H, W, ...)`` as an EXIF ``orientation`` says; what is none of 1 to 8 means 1."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return pixels
