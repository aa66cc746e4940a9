"""Known pixels stay, what is under the hole has no say, and every size works."""

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import farfill
from farfill.inpainting.fill import fill, pad, shrink
from farfill.types import Completion

SIZES = [(1, 2), (8, 8), (5, 23), (40, 33), (16, 24)]


class Constant(nn.Module):
    """Predicts one value in the hole, black elsewhere, and remembers what it was given."""

    def __init__(self, value=0.1):
        super().__init__()
        self.value = value

    def forward(self, masked, hole):
        self.masked, self.hole = masked, hole
        prediction = torch.where(hole.bool(), self.value, -torch.ones_like(masked))
        return Completion(prediction, prediction, None)


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return farfill.Generator(channels=4).eval()


def case(size, dtype=np.uint8, seed=0):
    rng = np.random.default_rng(seed)
    image = rng.integers(0, np.iinfo(dtype).max, (*size, 3), dtype, endpoint=True)
    hole = np.zeros(size, bool)
    hole[size[0] // 3 : size[0] // 3 + 5, size[1] // 2 :] = True
    return image, hole


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("size", [*SIZES, (60, 90)])
def test_known_pixels_stay_and_the_hole_is_filled(generator, size, dtype):
    image, hole = case(size, dtype)
    filled = fill(generator, image, hole, max_pixels=1400)
    assert filled.image.dtype == dtype
    np.testing.assert_array_equal(filled.image[~hole], image[~hole])
    assert (filled.image[hole] != image[hole]).any()
    assert (filled.seen == [size]) == (size != (60, 90))


@pytest.mark.parametrize("max_pixels", [None, 300])
@pytest.mark.parametrize("size", SIZES)
def test_what_lies_under_the_hole_has_no_influence(generator, size, max_pixels):
    image, hole = case(size)
    other = image.copy()
    other[hole] = 255 - other[hole]
    first, second = (fill(generator, x, hole, max_pixels) for x in (image, other))
    np.testing.assert_array_equal(first.image, second.image)
    assert torch.equal(first.offsets[0], second.offsets[0])


def test_a_fitting_size_is_the_plain_call_of_the_generator(generator):
    image, hole = case((16, 24))
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None] / 127.5 - 1
    mask = torch.from_numpy(hole)[None, None].float()
    with torch.no_grad():
        completion = generator(tensor * (1 - mask), mask)
    expected = ((completion.completed(tensor, mask)[0] + 1) * 127.5).round().permute(1, 2, 0)
    filled = fill(generator, image, hole)
    assert np.abs(filled.image - expected.numpy()).max() <= 1  # rounding
    assert torch.equal(filled.offsets[0], completion.offsets)


def test_the_network_sees_zero_in_the_hole_and_mirrored_margins():
    image, hole = case((13, 6))
    spy = Constant()
    fill(spy, image, hole)
    assert spy.masked.shape == (1, 3, 16, 8)
    assert spy.hole[0, 0, :13, :6].bool().numpy().tolist() == hole.tolist()
    assert (spy.masked * spy.hole == 0).all()
    assert torch.equal(spy.hole[..., 6:], spy.hole[..., [4, 3]])
    assert torch.equal(spy.masked[..., 13:, :], spy.masked[..., [11, 10, 9], :])
    first_known = torch.from_numpy(image[0, 0] / 127.5 - 1).float()
    torch.testing.assert_close(spy.masked[0, :, 0, 0], first_known)


@pytest.mark.parametrize(
    ("dtype", "value", "level"),
    [(np.uint8, 0.1, 140), (np.uint16, 0.1, 36044), (np.uint8, 1.5, 255), (np.uint8, -1.5, 0)],
)
def test_values_are_at_full_depth_and_clipped_not_wrapped(dtype, value, level):
    image, hole = case((8, 8), dtype)
    assert (fill(Constant(value), image, hole).image[hole] == level).all()


def test_large_pictures_are_filled_at_reduced_size():
    image, hole = case((60, 90))
    image[:] = 140  # Constant(0.1) predicts the same: no dark rim may appear
    spy = Constant(0.1)
    filled = fill(spy, image, hole, max_pixels=600)
    assert filled.seen == [(20, 30)]
    assert spy.masked.shape == (1, 3, 24, 32)
    assert np.abs(filled.image.astype(int) - 140).max() <= 1


def test_a_broken_checkpoint_is_not_written_as_black():
    image, hole = case((8, 8))
    with pytest.raises(ValueError, match="no numbers"):
        fill(Constant(float("nan")), image, hole)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda image, hole: (image[..., 0], hole), r"\(H, W, 3\)"),
        (lambda image, hole: (image / 100, hole), r"in \[0, 1\], got 0.* to 2\."),
        (lambda image, hole: (image * np.nan, hole), r"in \[0, 1\], got nan"),
        (lambda image, hole: (image.astype(int), hole), "of int64"),
        (lambda image, hole: (image, hole[:-1]), r"hole \(8, 8\)"),
        (lambda image, hole: (image, hole.astype(np.uint8)), "of bool"),
        (lambda image, hole: (image, hole & False), "neither nothing"),
        (lambda image, hole: (image, hole | True), "nor the whole"),
        (lambda image, hole: (image, hole, 0), "max_pixels"),
        (lambda image, hole: (image, hole, None, 0), "crop"),
        (lambda image, hole: (image, hole, None, 8, -1), "feather"),
        (lambda image, hole: (image, hole, None, 8, 9), "nor the whole"),
    ],
)
def test_wrong_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        fill(Constant(), *change(*case((8, 8))))


def test_pillows_pictures_are_taken_as_they_are(generator):
    image, hole = case((16, 24))
    filled = fill(generator, Image.fromarray(image), Image.fromarray(hole))
    np.testing.assert_array_equal(filled.image, fill(generator, image, hole).image)
    with pytest.raises(ValueError, match=r"\(H, W, 3\) of uint8, .*, got \(16, 24, 4\)"):
        fill(generator, Image.fromarray(image).convert("RGBA"), Image.fromarray(hole))


def test_padding_mirrors_without_repeating_the_edge():
    rows, columns = np.mgrid[:13, :6]
    padded = pad(100 * rows + columns)
    assert padded.shape == (16, 8)
    np.testing.assert_array_equal(padded[0], [0, 1, 2, 3, 4, 5, 4, 3])
    np.testing.assert_array_equal(padded[:, 0] // 100, [*range(13), 11, 10, 9])


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (2, 9), (3, 2), (16, 24)])
def test_tiny_pictures_are_mirrored_again_and_again_and_multiples_not_at_all(size):
    picture = np.arange(size[0] * size[1] * 3).reshape(*size, 3)
    padded = pad(picture)
    assert padded.shape == (*(8 * -(-side // 8) for side in size), 3)
    np.testing.assert_array_equal(padded[: size[0], : size[1]], picture)
    # nothing is made up
    assert set(map(tuple, padded.reshape(-1, 3))) == set(map(tuple, picture.reshape(-1, 3)))


def test_shrink_leaves_small_pictures_alone():
    known, hole = np.ones((4, 5, 3), np.float32), np.eye(4, 5, dtype=bool)
    for limit in (None, 20):
        assert shrink(known, hole, limit) == (known, hole)


def test_shrink_averages_known_pixels_only():
    known = np.full((4, 4, 3), 0.5, np.float32)
    hole = np.zeros((4, 4), bool)
    hole[0, 0] = True  # a quarter of a reduced pixel
    hole[2:, 2:] = True
    hole[3, 3] = False  # three quarters of one
    known[hole] = 0
    small, missing = shrink(known, hole, 4)
    assert missing.tolist() == [[False, False], [False, True]]
    np.testing.assert_allclose(small[~missing], 0.5)
    assert (small[missing] == 0).all()


@pytest.mark.parametrize("size", [(30, 70), (1, 500), (211, 13)])
def test_shrink_keeps_the_limit_and_the_shape(size):
    small, missing = shrink(np.zeros((*size, 3), np.float32), np.zeros(size, bool), 400)
    assert small.shape[:2] == missing.shape
    assert missing.size <= 400
    if min(size) > 1:
        assert missing.shape[1] / missing.shape[0] == pytest.approx(size[1] / size[0], rel=0.25)
