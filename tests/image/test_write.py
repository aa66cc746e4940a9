"""What is written reads back with the same numbers, or is refused."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from farfill.image.picture import Picture, read_picture
from farfill.image.write import check_name, check_sides, write_picture

PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def picture(grey, alpha, dtype, profile=None):
    rng = np.random.default_rng(0)

    def draw(*shape):
        return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)

    pixels = draw(9, 6) if grey else draw(9, 6, 3)
    return Picture(pixels, draw(9, 6) if alpha else None, profile)


@pytest.mark.parametrize("grey", [True, False])
@pytest.mark.parametrize("alpha", [True, False])
@pytest.mark.parametrize(
    ("extension", "dtype"),
    [
        ("png", np.uint8),
        ("tif", np.uint8),
        ("WEBP", np.uint8),
        ("png", np.uint16),
        ("tiff", np.uint16),
    ],
)
def test_round_trip(tmp_path, grey, alpha, extension, dtype):
    if extension == "tiff":
        alpha = False  # both are refused, see below
    written = picture(grey, alpha, dtype)
    path = tmp_path / f"a.{extension}"
    write_picture(path, written)
    read = read_picture(path)
    np.testing.assert_array_equal(read.rgb(), written.rgb())
    assert read.pixels.dtype == dtype
    if alpha:
        np.testing.assert_array_equal(read.alpha, written.alpha)
    else:
        assert read.alpha is None
    # webp knows no grey, and neither library writes grey with alpha in 16 bits
    if extension != "WEBP" and not (alpha and dtype == np.uint16):
        assert (read.pixels.ndim == 2) == grey


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("alpha", [True, False])
def test_the_colour_profile_goes_along(tmp_path, dtype, alpha):
    write_picture(tmp_path / "a.png", picture(False, alpha, dtype, PROFILE))
    assert read_picture(tmp_path / "a.png").profile == PROFILE


def test_a_profile_that_is_lost_is_said(tmp_path, caplog):
    written = picture(False, False, np.uint16, PROFILE)
    write_picture(tmp_path / "a.tif", written)
    assert "without its colour profile" in caplog.text
    np.testing.assert_array_equal(read_picture(tmp_path / "a.tif").pixels, written.pixels)


@pytest.mark.parametrize(
    ("name", "alpha", "dtype", "has"),
    [
        ("a.jpg", True, np.uint8, "alpha"),
        ("a.jpg", False, np.uint16, "16 bits"),
        ("a.webp", False, np.uint16, "16 bits"),
        ("a.tif", True, np.uint16, "16 bits and alpha"),
    ],
)
def test_formats_that_would_lose_something_are_refused(tmp_path, name, alpha, dtype, has):
    with pytest.raises(ValueError, match=rf"has {has}, which .*{name} cannot keep"):
        write_picture(tmp_path / name, picture(False, alpha, dtype))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "longest"), [("a.JPG", 65_500), ("a.webp", 16_383)])
def test_the_formats_longest_side_is_written_and_one_more_is_refused(tmp_path, name, longest):
    path = tmp_path / name
    write_picture(path, np.zeros((1, longest, 3), np.uint8))
    assert read_picture(path).size == (1, longest)
    path.unlink()
    reason = rf"{name} would have 1 x {longest + 1} pixels, .* at most {longest} per side"
    with pytest.raises(ValueError, match=reason):
        write_picture(path, np.zeros((longest + 1, 1, 3), np.uint8))
    assert not list(tmp_path.iterdir())
    check_sides(Path("a.png"), (longest + 1, longest + 1))


def test_plain_pixels_make_a_picture_and_replace_one_whole(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    path = tmp_path / "new" / "sheet.png"
    write_picture(path, pixels[::-1])
    write_picture(path, pixels)
    np.testing.assert_array_equal(cv2.imread(str(path))[..., ::-1], pixels)
    assert [file.name for file in path.parent.iterdir()] == ["sheet.png"]


def test_jpeg_only_when_asked_for():
    with pytest.raises(ValueError, match=r"`output` is a\.JPG.*lossy=true"):
        check_name("output", Path("a.JPG"), lossy=False)
    check_name("output", Path("a.JPG"), lossy=True)
    with pytest.raises(ValueError, match=r"expected `attention` to end in .*got a\.bmp"):
        check_name("attention", Path("a.bmp"), lossy=True)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(b"old")

    def fail(self, part, **options):
        Path(part).write_bytes(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(Image.Image, "save", fail)
    with pytest.raises(OSError, match="disk full"):
        write_picture(path, picture(False, False, np.uint8))
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
