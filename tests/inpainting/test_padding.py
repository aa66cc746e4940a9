"""Padding mirrors to the right and below; reduction averages what is known."""

import numpy as np
import pytest

from farfill.inpainting.padding import pad, shrink


def test_padding_mirrors_without_repeating_the_edge():
    rows, columns = np.mgrid[:13, :6]
    padded = pad(100 * rows + columns)
    assert padded.shape == (16, 8)
    np.testing.assert_array_equal(padded[0], [0, 1, 2, 3, 4, 5, 4, 3])
    np.testing.assert_array_equal(padded[:, 0] // 100, [*range(13), 11, 10, 9])


def test_a_hole_at_the_edge_is_mirrored_as_a_hole():
    hole = np.zeros((8, 6), bool)
    hole[2, 4] = True
    assert np.argwhere(pad(hole)).tolist() == [[2, 4], [2, 6]]


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (2, 9), (3, 2)])
def test_tiny_pictures_are_mirrored_again_and_again(size):
    picture = np.arange(size[0] * size[1] * 3).reshape(*size, 3)
    padded = pad(picture)
    assert padded.shape == (8, 16 if size[1] > 8 else 8, 3)
    np.testing.assert_array_equal(padded[: size[0], : size[1]], picture)
    # nothing is made up
    assert set(map(tuple, padded.reshape(-1, 3))) == set(map(tuple, picture.reshape(-1, 3)))


def test_multiples_stay_as_they_are():
    picture = np.random.default_rng(0).random((16, 24, 3))
    np.testing.assert_array_equal(pad(picture), picture)


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
