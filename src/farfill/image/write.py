"""Write a picture so that reading it again gives the same numbers."""

import logging
import struct
import zlib
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from PIL import Image

from farfill.files import atomic
from farfill.image.picture import Picture

_JPEG: dict[str, Any] = {"quality": 95, "subsampling": 0}
_TIFF: dict[str, Any] = {"compression": "tiff_adobe_deflate"}
_OPTIONS: dict[str, dict[str, Any]] = {
    ".png": {},
    **dict.fromkeys((".tif", ".tiff"), _TIFF),
    ".webp": {"lossless": True, "exact": True},  # also the colours under transparent pixels
    **dict.fromkeys((".jpg", ".jpeg"), _JPEG),
}
_LONGEST = {**dict.fromkeys((".jpg", ".jpeg"), 65_500), ".webp": 16_383}  # those of Pillow's codecs


def check_name(option: str, path: Path, lossy: bool) -> None:
    """Refuse (``ValueError``) what is not called png, tif, webp, or jpg if ``lossy`` allows it."""
    suffix = path.suffix.lower()
    if suffix not in _OPTIONS:
        raise ValueError(f"expected `{option}` to end in .png, .tif or .webp, got {path}")
    if _OPTIONS[suffix] is _JPEG and not lossy:
        raise ValueError(
            f"`{option}` is {path}, but a JPEG changes the known pixels: "
            "write .png, .tif or .webp, or say lossy=true (quality 95)"
        )


def check_depth(path: Path, picture: Picture) -> None:
    """Refuse with a ``ValueError`` 16 bits into jpg or webp, alpha into jpg, both into tif.

    (OpenCV leaves out tif's tag that says which channel is alpha, Pillow cannot write 16 bits.)
    """
    suffix, alpha = path.suffix.lower(), picture.alpha is not None
    deep = picture.pixels.dtype == np.uint16
    jpeg, tiff = _OPTIONS[suffix] is _JPEG, _OPTIONS[suffix] is _TIFF
    if (deep and (jpeg or suffix == ".webp")) or (alpha and jpeg) or (deep and alpha and tiff):
        has = " and ".join(["16 bits"] * deep + ["alpha"] * alpha)
        raise ValueError(f"the picture has {has}, which {path} cannot keep: write .png")


def check_sides(path: Path, size: tuple[int, int]) -> None:
    """Refuse (``ValueError``) a ``size`` (height, width) in pixels that the format cannot hold."""
    longest = _LONGEST.get(suffix := path.suffix.lower())
    if longest is not None and max(size) > longest:
        raise ValueError(
            f"{path} would have {size[1]} x {size[0]} pixels, but {suffix} keeps at most "
            f"{longest} per side: write .png or .tif"
        )


def write_picture(path: str | Path, picture: Picture | np.ndarray) -> None:
    """Write a picture, whole or not at all; the extension chooses the format.

    png, tif and webp keep every value (webp stores grey as RGB with equal channels; 16-bit grey
    with alpha becomes RGBA with equal channels). The colour profile goes along.

    A picture may be given by its pixels alone: ``(H, W, 3)`` RGB or ``(H, W)``. Errors are those of
    :func:`check_depth` and :func:`check_sides`.
    """
    path = Path(path)
    if isinstance(picture, np.ndarray):
        picture = Picture(picture)
    check_depth(path, picture)
    check_sides(path, picture.size)
    suffix = path.suffix.lower()
    alpha = [] if picture.alpha is None else [picture.alpha]
    with atomic(path) as part:
        if picture.pixels.dtype == np.uint16 and (picture.pixels.ndim == 3 or alpha):
            # Pillow cannot write these; OpenCV takes blue first and no colour profile.
            _, data = cv2.imencode(suffix, np.dstack([picture.rgb()[..., ::-1], *alpha]))
            part.write_bytes(_with_profile(data.tobytes(), picture.profile, suffix))
            return
        Image.fromarray(picture.channels).save(
            part, icc_profile=picture.profile, **_OPTIONS[suffix]
        )


def _with_profile(encoded: bytes, profile: bytes | None, suffix: str) -> bytes:
    """Add the chunk ``iCCP`` of the PNG standard (section 11.3.2.3)."""
    if profile is None:
        return encoded
    if suffix != ".png":
        logging.getLogger(__name__).warning(
            "A 16-bit TIFF is written without its colour profile; .png keeps it."
        )
        return encoded
    body = b"iCCP" + b"ICC profile\0\0" + zlib.compress(profile)
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return encoded[:33] + chunk + encoded[33:]  # after the signature and the chunk IHDR
