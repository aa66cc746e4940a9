"""Small holes of a large picture are filled at full resolution, each from its surroundings."""

import numpy as np
import pytest
import torch

import farfill
from farfill.inpainting.crop import crops_of
from farfill.inpainting.fill import fill
from farfill.inpainting.window import Span, Window
from helpers.holes import hole_of


def windows(hole, side=64, max_pixels=None):
    return [crop.window for crop in crops_of(hole, side, max_pixels)]


def box(top, bottom, left, right):
    return Window(Span(top, bottom), Span(left, right))


def test_a_crop_has_the_hole_in_its_middle_and_stays_inside():
    assert windows(hole_of(300, 400, (100, 200, 10, 20))) == [box(73, 137, 178, 242)]
    assert windows(hole_of(300, 400, (0, 390, 10, 10))) == [box(0, 64, 336, 400)]
    assert windows(hole_of(50, 400, (10, 200, 4, 4))) == [box(0, 50, 170, 234)]


def test_a_large_hole_gets_twice_its_sides():
    (window,) = windows(hole_of(300, 400, (100, 100, 50, 91)))
    assert window == box(73, 177, 53, 237)  # 100 and 182, up to the next multiples of 8


def test_a_picture_of_the_crops_size_is_not_cut():
    hole = hole_of(64, 60, (2, 2, 3, 3), (50, 50, 3, 3))
    for side in (64, 1000, None):
        (crop,) = crops_of(hole, side, 10)
        assert crop.window == Window.whole(hole.shape)
        np.testing.assert_array_equal(crop.own, hole)


NEAR = hole_of(300, 400, (100, 100, 5, 5), (110, 190, 5, 5))


def test_crops_that_meet_are_one_and_far_ones_are_not():
    assert windows(NEAR, 128) == [box(38, 176, 38, 256)]
    assert windows(NEAR, 64) == [box(70, 134, 70, 134), box(80, 144, 160, 224)]


def test_crops_do_not_become_one_that_would_be_reduced():
    assert len(windows(NEAR, 128, max_pixels=128 * 128)) == 2
    inside = hole_of(300, 400, (50, 50, 200, 200), (150, 330, 5, 5))  # a crop of the whole picture
    assert len(windows(inside, 64)) == 1
    assert len(windows(inside, 64, max_pixels=10_000)) == 2


def test_two_holes_that_need_the_whole_picture_share_it():
    holes = hole_of(300, 400, (50, 20, 160, 90), (50, 250, 160, 90))
    assert windows(holes, 400, max_pixels=1000) == [box(0, 300, 0, 400)]


@pytest.mark.parametrize("seed", range(5))
def test_every_missing_pixel_is_filled_by_one_crop(seed):
    rng = np.random.default_rng(seed)
    hole = rng.random((300, 400)) < 0.0005
    hole[rng.integers(300), rng.integers(400)] = True
    count = np.zeros(hole.shape, int)
    for crop in crops_of(hole, 64, 20_000):
        count[crop.slices] += crop.own
        np.testing.assert_array_equal(crop.missing, hole[crop.slices])
    np.testing.assert_array_equal(count, hole)


def test_a_hole_is_filled_as_if_its_crop_were_the_picture():
    torch.manual_seed(0)
    generator = farfill.Generator(channels=4).eval()
    image = np.random.default_rng(0).integers(0, 256, (200, 300, 3), np.uint8)
    hole = hole_of(200, 300, (40, 50, 12, 9), (150, 240, 20, 16))
    filled = fill(generator, image, hole, crop=64)
    assert len(filled.crops) == 2
    assert filled.seen == [(64, 64), (64, 64)]
    for crop in filled.crops:
        alone = fill(generator, image[crop.slices], hole[crop.slices], crop=None)
        np.testing.assert_array_equal(filled.image[crop.slices], alone.image)
    np.testing.assert_array_equal(filled.image[~hole], image[~hole])


def test_a_hole_in_two_crops_is_missing_in_both():
    image = np.zeros((100, 100, 3), np.uint8)
    hole = hole_of(100, 100, (10, 10, 8, 8), (70, 70, 8, 8))
    other = image.copy()
    other[hole] = 255
    generator = farfill.Generator(channels=2).eval()
    first, second = (fill(generator, x, hole, 64 * 64, crop=64) for x in (image, other))
    assert [int(crop.missing.sum()) for crop in first.crops] == [64, 64]
    np.testing.assert_array_equal(first.image, second.image)
