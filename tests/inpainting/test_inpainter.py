"""Three lines of Python: pictures and masks of every kind in, the same kind out."""

import numpy as np
import pytest
import torch
from PIL import Image
from PIL.ExifTags import Base

import farfill
from farfill.attention.none import NoAttention
from helpers.tiny import tiny_checkpoint

SIZE = (21, 34)
HOLE = np.zeros(SIZE, bool)
HOLE[5:15, 10:25] = True
RNG = np.random.default_rng(0)
RGB = RNG.integers(0, 256, (*SIZE, 3), np.uint8)
DEEP = RNG.integers(0, 65536, (*SIZE, 3), np.uint16)


@pytest.fixture(scope="module")
def fill(tmp_path_factory):
    path = tmp_path_factory.mktemp("run") / "a.ckpt"
    torch.manual_seed(0)
    torch.save(tiny_checkpoint(), path)
    return farfill.Inpainter.from_pretrained(path, device="cpu", precision="float32")


def with_alpha(image):
    full = 1 if image.dtype.kind == "f" else np.iinfo(image.dtype).max
    return np.dstack([image, np.where(HOLE, 0, full).astype(image.dtype)])


ARRAYS = {
    "rgb": RGB,
    "grey": RGB[..., 0],
    "one channel": RGB[..., :1],
    "grey with alpha": RGB[..., :2],
    "rgba": RNG.integers(0, 256, (*SIZE, 4), np.uint8),
    "16 bits": DEEP,
    "16 bits, grey": DEEP[..., 0],
    "float": (RGB / 255).astype(np.float32),
    "double": RGB / 255,
}


@pytest.mark.parametrize("kind", ARRAYS)
def test_an_array_comes_back_as_one_with_its_known_values(fill, kind):
    image = ARRAYS[kind]
    before = image.copy()
    out = fill(image, HOLE)
    assert type(out) is np.ndarray
    assert (out.shape, out.dtype) == (image.shape, image.dtype)
    np.testing.assert_array_equal(out[~HOLE], image[~HOLE])
    assert (out[HOLE] != image[HOLE]).mean() > 0.5 / (image.ndim - 1)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("mode", "comes"),
    [(x, x) for x in ("L", "LA", "RGB", "RGBA", "I;16")]
    + [("P", "RGB"), ("PA", "RGBA"), ("1", "L")],
)
def test_pillows_picture_comes_back_as_one(fill, mode, comes):
    image = Image.fromarray(DEEP[..., 0]) if mode == "I;16" else Image.fromarray(RGB).convert(mode)
    image.info["icc_profile"] = b"colours"
    out = fill(image, Image.fromarray(HOLE))
    assert isinstance(out, Image.Image)
    assert (out.mode, out.size, out.info) == (comes, image.size, {"icc_profile": b"colours"})
    same = np.asarray(image if mode == comes else image.convert(comes))
    np.testing.assert_array_equal(np.asarray(out)[~HOLE], same[~HOLE])
    assert (np.asarray(out)[HOLE] != same[HOLE]).any()


@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_photograph_is_upright_as_its_mask_was_drawn(fill, orientation, tmp_path):
    turned = {1: RGB, 3: np.rot90(RGB, 2), 6: np.rot90(RGB, 1)}[orientation]
    exif = Image.Exif()
    exif[Base.Orientation] = orientation
    Image.fromarray(turned).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as photograph:
        out = fill(photograph, Image.fromarray(HOLE))
    np.testing.assert_array_equal(np.asarray(out)[~HOLE], RGB[~HOLE])
    np.testing.assert_array_equal(np.asarray(out), fill(RGB, HOLE))
    assert out.getexif().get(Base.Orientation, 1) == 1


@pytest.mark.parametrize(
    "mask",
    [
        HOLE.astype(np.uint8),
        HOLE.astype(np.uint8) * 255,
        HOLE.astype(np.uint16) * 65535,
        HOLE.astype(int),
        HOLE.astype(float),
        HOLE[..., None],
        np.dstack([HOLE] * 3),
        Image.fromarray(HOLE),
        Image.fromarray(HOLE.astype(np.uint8) * 255).convert("RGB"),
        Image.fromarray(np.where(HOLE, 200, 10).astype(np.uint8)),
        Image.fromarray(np.where(HOLE, 60, 0).astype(np.uint8)),
    ],
)
def test_white_of_any_kind_is_the_hole(fill, mask):
    np.testing.assert_array_equal(fill(RGB, mask), fill(RGB, HOLE))


def test_masks_can_be_read_otherwise(fill):
    expected = fill(RGB, HOLE)
    pale = np.where(HOLE, 200, 60).astype(np.uint8)
    np.testing.assert_array_equal(fill(RGB, pale, threshold=100), expected)
    np.testing.assert_array_equal(fill(RGB, ~HOLE, invert=True), expected)
    small = np.zeros((7, 17), bool)
    small[1:4, 5:9] = True
    large = small.repeat(3, 0).repeat(2, 1)
    np.testing.assert_array_equal(fill(RGB, small, resize_mask=True), fill(RGB, large))


@pytest.mark.parametrize("image", [RGB, RGB / 255, DEEP, RGB[..., 0]], ids=lambda x: str(x.dtype))
def test_without_a_mask_what_is_transparent_is_the_hole_and_gets_opaque(fill, image):
    cut = with_alpha(image)
    out = fill(cut)
    assert (out[..., -1] == cut[0, 0, -1]).all()
    np.testing.assert_array_equal(out[..., :-1], fill(image, HOLE).reshape(out[..., :-1].shape))
    if image.dtype == np.uint8:
        np.testing.assert_array_equal(np.asarray(fill(Image.fromarray(cut))), out)


def test_a_palettes_transparent_colour_is_a_hole_too(fill):
    image = Image.fromarray(np.where(HOLE, 7, 90).astype(np.uint8)).convert("P")
    image.info["transparency"] = 7
    out = fill(image)
    assert out.mode == "RGBA"
    assert "transparency" not in out.info
    assert np.asarray(out)[..., 3].min() == 255


def test_lists_are_filled_one_by_one(fill):
    other = Image.fromarray(RGB[::-1].copy())
    out = fill([RGB, other], HOLE)
    np.testing.assert_array_equal(out[0], fill(RGB, HOLE))
    np.testing.assert_array_equal(np.asarray(out[1]), fill(np.asarray(other), HOLE))
    masked = fill([RGB, other], [HOLE, HOLE[::-1]])
    assert (np.asarray(masked[1])[~HOLE[::-1]] == np.asarray(other)[~HOLE[::-1]]).all()
    assert len(fill.attention) == 2
    assert len(fill([with_alpha(RGB)] * 2)) == 2
    assert fill([]) == []


def test_the_attention_of_the_last_result_is_an_array_and_a_picture(fill):
    fill(Image.fromarray(RGB), Image.fromarray(HOLE))
    sources = fill.attention.sources
    assert sources.shape == (*SIZE, 2)
    np.testing.assert_array_equal(sources[..., 0] >= 0, HOLE)
    assert fill.attention.picture().width > SIZE[1]


def test_a_network_that_does_not_say_where_it_borrows_has_none():
    fill = farfill.Inpainter(farfill.Generator(2, NoAttention()).eval())
    fill(RGB, HOLE)
    assert fill.attention is None


def test_dilation_and_feather_change_what_they_say(fill):
    wide = np.zeros_like(HOLE)
    wide[2:18, 7:28] = True
    out = fill(RGB, HOLE, dilate=3)
    np.testing.assert_array_equal(out[~wide], RGB[~wide])
    assert (out[wide & ~HOLE] != RGB[wide & ~HOLE]).any()
    soft = fill(RGB, HOLE, feather=3)
    np.testing.assert_array_equal(soft[HOLE], out[HOLE])  # the same is missing for the network
    middle = soft[10, 8:10].astype(int), out[10, 8:10].astype(int), RGB[10, 8:10].astype(int)
    shares = np.array([[0.5], [0.75]])
    assert np.abs(shares * middle[1] + (1 - shares) * middle[2] - middle[0]).max() <= 0.5


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((RGB,), "the picture has no alpha, .*: give a mask"),
        ((with_alpha(RGB) | 255,), "nothing in the picture is transparent, .*: give a mask"),
        ((with_alpha(RGB) * np.uint8([1, 1, 1, 0]),), "everything in the picture is transparent"),
        (("photo.jpg", HOLE), "picture of Pillow or NumPy, got str: .*open it first"),
        ((RGB, "m.png"), "mask of Pillow or NumPy, got str"),
        ((RGB.astype(int), HOLE), "of uint8, uint16, or floating point .*got int64"),
        ((RGB * 2.0, HOLE), r"in \[0, 1\], got 0"),
        ((RGB[None], HOLE), r"got \(1, 21, 34, 3\); several make a list"),
        ((RGB, HOLE[:-1]), "the mask is 34 x 20 pixels, but its picture is 34 x 21"),
        ((RGB, HOLE & False), "the mask has nothing to fill"),
        ((RGB, HOLE | True), "the mask leaves nothing known"),
        (([RGB, RGB], [HOLE]), "as many masks as pictures, 2, or one, got 1"),
        ((Image.fromarray(RGB).convert("CMYK"), HOLE), "picture: its colours are CMYK; convert"),
    ],
)
def test_what_cannot_be_used_is_said(fill, arguments, words):
    with pytest.raises(ValueError, match=words) as raised:
        fill(*arguments)
    assert "\n" not in str(raised.value)


def test_a_list_says_which_of_its_pictures_cannot_be_used(fill):
    fill(RGB, HOLE)
    with pytest.raises(ValueError, match="picture 1 of the list: the mask is 34 x 20 pixels"):
        fill([RGB, RGB], [HOLE, HOLE[:-1]])
    assert fill.attention is None  # of no earlier result


def test_a_hole_of_most_of_the_picture_is_doubted(fill, caplog):
    fill(RGB, HOLE)
    assert not caplog.text
    fill(RGB, ~HOLE)
    assert "of the picture is the hole: if its mask is black" in caplog.text


@pytest.mark.parametrize("option", [{"threshold": 3}, {"invert": True}, {"resize_mask": True}])
def test_options_of_a_mask_need_one(fill, option):
    with pytest.raises(ValueError, match="threshold, invert and resize_mask need a mask"):
        fill(with_alpha(RGB), **option)


def test_without_weights_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setattr("farfill.inpainting.inpainter.shipped", dict)
    with pytest.raises(ValueError, match=r"^no trained weights come with.*best\.ckpt"):
        farfill.Inpainter.from_pretrained()
    with pytest.raises(ValueError, match=r"^nowhere is none of these"):
        farfill.Inpainter.from_pretrained("nowhere")
    with pytest.raises(ValueError, match=r"expected `precision`"):
        farfill.Inpainter(farfill.Generator(2), precision="int8")
    with pytest.raises(ValueError, match=r"`device`=toaster"):
        farfill.Inpainter(farfill.Generator(2), device="toaster")
