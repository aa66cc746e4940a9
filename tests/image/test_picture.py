"""Reading keeps depth, alpha and grey, and turns pictures upright."""

import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps
from PIL.ExifTags import Base

from farfill.image.picture import Picture, read_picture

RNG = np.random.default_rng(0)


def noise(*shape, dtype=np.uint8):
    return RNG.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


def write_png_16(path, pixels, key=None, exif=None):
    """A 16-bit PNG of 1 to 4 channels, the ``key`` colour transparent; Pillow cannot write it."""
    height, width, channels = pixels.shape

    def chunk(name, data):
        check = struct.pack(">I", zlib.crc32(name + data))
        return struct.pack(">I", len(data)) + name + data + check

    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0))
        + (b"" if exif is None else chunk(b"eXIf", exif))
        + (b"" if key is None else chunk(b"tRNS", np.asarray(key, ">u2").tobytes()))
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_png_of_every_kind(tmp_path, channels, dtype):
    pixels, path = noise(5, 7, channels, dtype=dtype), tmp_path / "a.png"
    if dtype == np.uint16:
        write_png_16(path, pixels)
    else:
        Image.fromarray(pixels.squeeze()).save(path)
    picture = read_picture(path)
    grey = channels < 3
    np.testing.assert_array_equal(picture.pixels, pixels[..., 0] if grey else pixels[..., :3])
    assert picture.pixels.dtype == dtype
    assert picture.size == (5, 7)
    if channels in (2, 4):
        np.testing.assert_array_equal(picture.alpha, pixels[..., -1])
    else:
        assert picture.alpha is None


@pytest.mark.parametrize("channels", [1, 3])
def test_a_16_bit_colour_key_becomes_alpha(tmp_path, channels):
    pixels = noise(4, 4, channels, dtype=np.uint16)
    write_png_16(tmp_path / "a.png", pixels, key=pixels[1, 2])
    expected = np.full((4, 4), 65535)
    expected[1, 2] = 0
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").alpha, expected)


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 3), (6, 4, 4)])
def test_16_bit_tif(tmp_path, shape):
    pixels = noise(*shape, dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.tif"), pixels)
    picture = read_picture(tmp_path / "a.tif")
    expected = pixels if pixels.ndim == 2 else pixels[..., [2, 1, 0]]
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.pixels.dtype == np.uint16


def test_palette_with_and_without_transparency(tmp_path):
    picture = Image.fromarray(np.array([[0, 1], [2, 1]], np.uint8)).convert("P")
    picture.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    picture.save(tmp_path / "a.png")
    picture.save(tmp_path / "b.png", transparency=bytes([255, 0, 128]))
    plain, transparent = (read_picture(tmp_path / name) for name in ("a.png", "b.png"))
    assert plain.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]], [[70, 80, 90], [40, 50, 60]]]
    assert plain.alpha is None
    np.testing.assert_array_equal(transparent.pixels, plain.pixels)
    assert transparent.alpha.tolist() == [[255, 0], [128, 0]]


def test_one_bit_becomes_grey(tmp_path):
    Image.fromarray(np.eye(3, dtype=bool)).save(tmp_path / "a.png")
    picture = read_picture(tmp_path / "a.png")
    np.testing.assert_array_equal(picture.pixels, 255 * np.eye(3))
    assert picture.pixels.dtype == np.uint8


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("extension", ["png", "tif", "jpg"])
def test_orientation_is_applied(tmp_path, orientation, extension):
    stored = np.zeros((16, 32), np.uint8)
    stored[:8, :8] = 255  # the stored picture's top left
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{extension}"
    Image.fromarray(stored).save(path, exif=exif)
    shown = read_picture(path).pixels
    # Where the EXIF standard puts the stored row 0 and column 0.
    rows = ["top", "top", "bottom", "bottom", "left", "right", "right", "left"]
    columns = ["left", "right", "right", "left", "top", "top", "bottom", "bottom"]
    row, column = rows[orientation - 1], columns[orientation - 1]
    bright = shown > 127
    assert bright.shape == ((16, 32) if orientation < 5 else (32, 16))
    assert bright[0, :].any() == ("top" in (row, column))
    assert bright[:, 0].any() == ("left" in (row, column))


@pytest.mark.parametrize("orientation", [*range(12), 77, 255, 256, 300, 65535])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_only_the_orientations_that_exif_knows_turn_a_picture(
    tmp_path, orientation, dtype, channels
):
    """As Pillow turns an 8-bit one; 77 turned 16-bit colours on their side."""
    pixels, path = noise(3, 5, channels, dtype=dtype), tmp_path / "a.png"
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    if dtype == np.uint16:
        write_png_16(path, pixels, exif=exif.tobytes().removeprefix(b"Exif\0\0"))
    else:
        Image.fromarray(pixels.squeeze()).save(path, exif=exif)
    places = Image.fromarray(np.arange(15, dtype=np.uint8).reshape(3, 5))
    places.getexif()[Base.Orientation] = orientation
    expected = pixels.reshape(15, channels)[np.asarray(ImageOps.exif_transpose(places))]
    picture = read_picture(path)
    np.testing.assert_array_equal(
        picture.rgb(), np.broadcast_to(expected[..., :3], picture.rgb().shape)
    )
    if channels == 4:
        np.testing.assert_array_equal(picture.alpha, expected[..., 3])


def test_a_telephones_jpeg_with_a_preview_is_read(tmp_path):
    first, second = (Image.fromarray(np.full((8, 8, 3), value, np.uint8)) for value in (10, 200))
    first.save(tmp_path / "a.jpg", format="MPO", save_all=True, append_images=[second])
    assert np.abs(read_picture(tmp_path / "a.jpg").pixels.astype(int) - 10).max() <= 2


def test_what_cannot_be_kept_is_refused(tmp_path):
    Image.new("CMYK", (4, 4)).save(tmp_path / "cmyk.jpg")
    Image.new("F", (4, 4)).save(tmp_path / "float.tif")
    frames = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in (0, 255)]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    Image.fromarray(noise(40, 40, 3)).save(tmp_path / "cut.png")
    data = (tmp_path / "cut.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(data[: len(data) // 2])
    (tmp_path / "text.png").write_text("hello")
    for name, reason in {
        "cmyk.jpg": "CMYK",
        "float.tif": "colours are F",
        "moving.gif": "several pictures",
        "cut.png": "truncated",
        "text.png": "none of png",
    }.items():
        with pytest.raises(ValueError, match=rf"cannot read the picture .*{name}.*{reason}"):
            read_picture(tmp_path / name)
    with pytest.raises(ValueError, match=r"none\.png: No such file"):
        read_picture(tmp_path / "none.png")


def test_a_grey_picture_takes_the_luminance_in_the_hole_only():
    picture = Picture(
        np.full((2, 2), 7, np.uint8), alpha=np.arange(4, dtype=np.uint8).reshape(2, 2)
    )
    fill = np.full((2, 2, 3), (0, 255, 0), np.uint8)  # 149.7
    filled = picture.with_fill(fill, np.array([[True, False], [False, False]]))
    assert filled.pixels.tolist() == [[150, 7], [7, 7]]
    assert filled.pixels.dtype == np.uint8
    assert filled.alpha is picture.alpha
