import io

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFile

from farfill.image.read import PictureError, picture_size, read_rgb
from helpers.malformed import declare_size

RAMP = np.arange(6 * 4 * 3, dtype=np.uint8).reshape(6, 4, 3) * 3


@pytest.mark.parametrize("suffix", ["png", "tif", "webp", "bmp", "PNG"])
def test_lossless_kinds_are_read_exactly_in_rgb(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.fromarray(RAMP).save(path, **({"lossless": True} if suffix == "webp" else {}))
    np.testing.assert_array_equal(read_rgb(path), RAMP)
    assert read_rgb(path).dtype == np.uint8
    assert picture_size(path) == (6, 4)


def test_jpeg_keeps_red_red(tmp_path):
    red = np.zeros((16, 16, 3), np.uint8)
    red[..., 0] = 255
    Image.fromarray(red).save(tmp_path / "a.jpg")
    assert np.abs(read_rgb(tmp_path / "a.jpg").astype(int) - red).max() <= 3


@pytest.mark.parametrize("mode", ["L", "1", "P", "CMYK"])
def test_grey_palette_and_print_colours_become_rgb(tmp_path, mode):
    image = Image.fromarray(RAMP).convert(mode)
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    image.save(path)
    np.testing.assert_array_equal(read_rgb(path), np.array(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparency_is_over_white(tmp_path, mode):
    grey = Image.new("L", (3, 1), 100)
    alpha = Image.fromarray(np.array([[0, 128, 255]], np.uint8))
    bands = [grey] * (3 if mode == "RGBA" else 1) + [alpha]
    Image.merge(mode, bands).save(tmp_path / "a.png")
    over_white = [255, round(255 - 155 * 128 / 255), 100]
    assert read_rgb(tmp_path / "a.png")[0, :, 1].tolist() == over_white


def test_a_transparent_palette_entry_is_white(tmp_path):
    image = Image.fromarray(np.array([[0, 1]], np.uint8)).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.save(tmp_path / "a.png", transparency=1)
    assert read_rgb(tmp_path / "a.png").tolist() == [[[10, 20, 30], [255, 255, 255]]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bit_grey_is_scaled_not_clipped(tmp_path, suffix):
    levels = np.array([[0, 257, 300, 32768, 65535]], np.uint16)
    cv2.imwrite(str(tmp_path / f"a.{suffix}"), levels)
    assert read_rgb(tmp_path / f"a.{suffix}")[0, :, 2].tolist() == [0, 1, 1, 128, 255]


def test_16_bit_colour_is_scaled_not_clipped(tmp_path):
    bgr = np.array([[[0, 32768, 65535]]], np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), bgr)
    assert read_rgb(tmp_path / "a.png").tolist() == [[[255, 128, 0]]]


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_exif_orientation_is_honoured(tmp_path, suffix):
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show it rotated clockwise
    Image.fromarray(RAMP).save(tmp_path / f"a.{suffix}", exif=exif)
    np.testing.assert_array_equal(read_rgb(tmp_path / f"a.{suffix}"), np.rot90(RAMP, -1))


def test_floating_point_is_refused(tmp_path):
    Image.fromarray(np.ones((2, 2), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(PictureError, match=r"a\.tif: its levels are floating-point"):
        read_rgb(tmp_path / "a.tif")


def test_levels_beyond_16_bits_are_refused(tmp_path):
    Image.fromarray(np.full((2, 2), 70000, np.int32)).save(tmp_path / "a.tif")
    with pytest.raises(PictureError, match=r"a\.tif: its levels are beyond 16 bits"):
        read_rgb(tmp_path / "a.tif")


@pytest.mark.parametrize("sides", [(40_000, 5_001), (2**31 - 1, 2**31 - 1)])
def test_a_file_that_promises_too_much_is_refused_by_its_header(tmp_path, monkeypatch, sides):
    small = io.BytesIO()
    Image.fromarray(RAMP).save(small, "png")
    (tmp_path / "bomb.png").write_bytes(declare_size(small.getvalue(), "png", *sides))
    monkeypatch.setattr(ImageFile.ImageFile, "load", lambda _: pytest.fail("decoded"))
    for read in (read_rgb, picture_size):
        words = r"bomb\.png: it has more than 200000000 pixels: raise data\.max_file_pixels"
        with pytest.raises(PictureError, match=words):
            read(tmp_path / "bomb.png")


def test_the_limit_can_be_raised_and_lifted(tmp_path, monkeypatch):
    """Pillow's own limit, of the whole process, follows."""
    Image.fromarray(RAMP).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1)
    with pytest.raises(PictureError, match=r"more than 23 pixels: raise data\.max_file_pixels"):
        read_rgb(tmp_path / "a.png", 23)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", 24), RAMP)
    np.testing.assert_array_equal(read_rgb(tmp_path / "a.png", None), RAMP)
    assert Image.MAX_IMAGE_PIXELS is None


def test_an_error_survives_the_way_out_of_a_worker():
    printed = "Caught PictureError\nTraceback ...\nfarfill.image.read.PictureError: a.png is bad\n"
    assert str(PictureError(printed)) == str(PictureError("a.png is bad")) == "a.png is bad"
