"""Strategies for picture files that are damaged, lying, odd, or no pictures at all."""

import io
import os
import struct
import zlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from hypothesis import strategies as st
from PIL import Image

SIZE = (12, 10)  # of the whole pictures that damaged ones are made of

_MODES = {
    "png": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16"),
    "jpg": ("L", "RGB", "CMYK"),
    "webp": ("RGB", "RGBA"),
    "tif": ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "CMYK", "F", "I"),
    "bmp": ("1", "L", "P", "RGB"),
    "gif": ("L", "P"),
}
_COMPRESSIONS = (None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg")


@cache
def whole_pictures() -> dict[str, bytes]:
    """Small files of every kind, by a name that ends in the format's extension."""
    files = {}
    for extension, modes in _MODES.items():
        for mode in modes:
            files[f"{mode}.{extension}"] = _encode(_noise(mode), extension)
    for compression in _COMPRESSIONS:
        files[f"{compression}.tif"] = _encode(_noise("RGB"), "tif", compression=compression)
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned
    for extension in ("jpg", "png", "tif"):
        files[f"turned.{extension}"] = _encode(_noise("RGB"), extension, exif=exif)
    files["keyed.png"] = _encode(_noise("P"), "png", transparency=3)
    files["lossless.webp"] = _encode(_noise("RGBA"), "webp", lossless=True)
    frames = [_noise("P"), _noise("P").rotate(180)]
    files["moving.gif"] = _encode(frames[0], "gif", save_all=True, append_images=frames[1:])
    deep = np.random.default_rng(1).integers(0, 65536, (*SIZE, 4), np.uint16)
    for extension in ("png", "tif"):
        for channels in (3, 4):
            data = cv2.imencode(f".{extension}", deep[..., :channels])[1]
            files[f"deep{channels}.{extension}"] = data.tobytes()
    for level in (np.nan, np.inf, -np.inf, 1e38):
        pixels = np.zeros(SIZE, np.float32)
        pixels[3, 4] = level
        files[f"{level}.tif"] = _encode(Image.fromarray(pixels), "tif")
    return files


def _noise(mode: str) -> Image.Image:
    rng = np.random.default_rng(0)
    if mode == "I;16":
        return Image.fromarray(rng.integers(0, 65536, SIZE, np.uint16))
    rgba = Image.fromarray(rng.integers(0, 256, (*SIZE, 4), np.uint8))
    return rgba if mode == "RGBA" else rgba.convert("RGB").convert(mode)


def _encode(image: Image.Image, extension: str, **options: object) -> bytes:
    stream = io.BytesIO()
    formats = {"jpg": "jpeg", "tif": "tiff"}
    image.save(stream, formats.get(extension, extension), **options)
    return stream.getvalue()


def declare_size(data: bytes, extension: str, width: int, height: int) -> bytes:
    """The same file with another size in its header, as far as the format can say it."""
    changed = bytearray(data)
    if extension == "png":
        changed[16:24] = struct.pack(">II", min(width, 0x7FFFFFFF), min(height, 0x7FFFFFFF))
        return mend_checksums(bytes(changed))
    if extension == "bmp":
        changed[18:26] = struct.pack("<II", min(width, 0x7FFFFFFF), min(height, 0x7FFFFFFF))
    elif extension == "gif":
        first = changed.find(b"\x2c\0\0\0\0")  # the first frame has a size of its own
        for place in (6, first + 5) if first > 0 else (6,):
            changed[place : place + 4] = struct.pack("<HH", min(width, 0xFFFF), min(height, 0xFFFF))
    elif extension == "jpg":
        frame = max(changed.find(b"\xff\xc0"), changed.find(b"\xff\xc2"))
        changed[frame + 5 : frame + 9] = struct.pack(">HH", min(height, 0xFFFF), min(width, 0xFFFF))
    elif extension == "webp":
        lossy, lossless = changed.find(b"\x9d\x01\x2a"), changed.find(b"VP8L")
        if lossy > 0:
            sides = struct.pack("<HH", min(width, 0x3FFF), min(height, 0x3FFF))
            changed[lossy + 3 : lossy + 7] = sides
        elif lossless > 0:
            sides = struct.pack("<I", min(width, 0x3FFF) | min(height, 0x3FFF) << 14)
            changed[lossless + 9 : lossless + 13] = sides
    elif extension == "tif":
        _declare_tiff(changed, width, height)
    return bytes(changed)


def _declare_tiff(data: bytearray, width: int, height: int) -> None:
    order = "<" if data[:2] == b"II" else ">"
    start = struct.unpack_from(f"{order}I", data, 4)[0]
    for number in range(struct.unpack_from(f"{order}H", data, start)[0]):
        place = start + 2 + 12 * number
        tag = struct.unpack_from(f"{order}H", data, place)[0]
        if tag in (256, 257):  # ImageWidth, ImageLength
            side = (width, height)[tag - 256] & 0xFFFFFFFF
            struct.pack_into(f"{order}HII", data, place + 2, 4, 1, side)


def mend_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the checksums of what they hold, so that it is read further."""
    parts, place = [data[:8]], 8
    while place + 12 <= len(data):
        length = struct.unpack_from(">I", data, place)[0]
        body = data[place + 4 : place + 8 + length]
        if len(body) < 4 + length:
            break
        parts.append(struct.pack(">I", length) + body + struct.pack(">I", zlib.crc32(body)))
        place += 12 + length
    return b"".join(parts) + data[place:]


@st.composite
def damaged(draw: st.DrawFn, whole: bytes, others: list[bytes] | None = None) -> bytes:
    """Bytes of a whole file after one to three accidents."""
    data = bytearray(whole)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["cut", "flip", "run", "insert", "remove", "splice"])):
            case "cut":
                del data[place:]
            case "flip":
                for at in draw(st.lists(st.integers(0, max(len(data) - 1, 0)), max_size=8)):
                    if at < len(data):
                        data[at] ^= 1 << draw(st.integers(0, 7))
            case "run":
                length = draw(st.integers(1, 32))
                value = draw(st.sampled_from([0, 0xFF, 0x7F, 0x80, 1]))
                data[place : place + length] = bytes([value]) * len(data[place : place + length])
            case "insert":
                data[place:place] = draw(st.binary(min_size=1, max_size=40))
            case "remove":
                del data[place : place + draw(st.integers(1, 40))]
            case "splice":
                other = draw(st.sampled_from(others or [whole]))
                data[place:] = other[draw(st.integers(0, max(len(other) - 1, 0))) :]
    return bytes(data)


sides = st.one_of(
    st.integers(0, 70000),
    st.sampled_from([0, 1, 2**14 - 1, 2**15, 2**16 - 1, 2**20, 2**24, 2**31 - 1, 2**32 - 1]),
)


@st.composite
def picture_bytes(draw: st.DrawFn) -> tuple[bytes, str]:
    """A file's content, and the extension that it would have if it were right."""
    files = whole_pictures()
    name = draw(st.sampled_from(sorted(files)))
    extension, whole = name.rpartition(".")[2], files[name]
    match draw(st.sampled_from(["damaged", "damaged", "mended", "size", "other", "whole"])):
        case "damaged":
            whole = draw(damaged(whole, list(files.values())))
        case "mended":
            whole = mend_checksums(draw(damaged(whole)))
        case "size":
            whole = declare_size(whole, extension, draw(sides), draw(sides))
        case "other":
            text = st.text(max_size=50).map(lambda text: text.encode(errors="replace"))
            signature = st.binary(max_size=60).map(lambda rest: files[name][:16] + rest)
            whole = draw(st.one_of(st.just(b""), text, st.binary(max_size=200), signature))
    return whole, extension


_WORDS = "a picture - -- ~ ~nobody $HOME %s {} ' \" \\ : ; * ? [0] = , # é 日本 .."
_ODD = "\n|\t| |e\u0301|\U0001f600|\u202e|\u2028|\x85|\x1b[31m|\udcff|\udc80\udcfe"
_PARTS = (*_WORDS.split(), *_ODD.split("|"), "x" * 60)


@st.composite
def names(draw: st.DrawFn, extension: str) -> str:
    """A file name that a file system takes, with the extension."""
    name = "".join(draw(st.lists(st.sampled_from(_PARTS), min_size=1, max_size=6)))
    wrong = st.sampled_from(["png", "jpg", "tif", "webp", "PNG", "bmp"])
    ending = draw(st.one_of(st.just(extension), st.just(extension), wrong))
    while len(os.fsencode(f"{name}.{ending}")) > 255:
        name = name[:-1]
    return f"{name}.{ending}"


@dataclass(frozen=True)
class PictureFile:
    """What lies where a picture is expected.

    Attributes:
        name: Of the file.
        data: Its content, where it is a file.
        kind: ``file``, ``unreadable``, ``folder``, ``loop``, ``dangling``, ``pipe``, ``missing``,
            or ``too long``, a name that no file system takes.
    """

    name: str
    data: bytes
    kind: str = "file"

    def put(self, folder: Path) -> Path:
        """Make it below ``folder``, which need not exist; its path."""
        folder.mkdir(exist_ok=True)
        path = folder / (self.name if self.kind != "too long" else "x" * 300 + self.name)
        if self.kind in ("file", "unreadable"):
            path.write_bytes(self.data)
            path.chmod(0o600 if self.kind == "file" else 0)
        elif self.kind == "folder":
            path.mkdir()
        elif self.kind in ("loop", "dangling"):
            path.symlink_to(path if self.kind == "loop" else folder / "nowhere.png")
        elif self.kind == "pipe":
            os.mkfifo(path)
        return path


@st.composite
def picture_files(draw: st.DrawFn) -> PictureFile:
    """Anything that may lie where a picture is expected; mostly files."""
    data, extension = draw(picture_bytes())
    odd = draw(st.integers(0, 3)) == 0
    name = draw(names(extension)) if odd else f"picture.{extension}"
    kinds = ["unreadable", "folder", "loop", "dangling", "pipe", "missing", "too long"]
    kind = draw(st.sampled_from(kinds)) if draw(st.integers(0, 7)) == 0 else "file"
    return PictureFile(name, data, kind)
