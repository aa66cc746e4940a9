import numpy as np
import pytest

from farfill.mask.centre import Centre
from helpers.holes import hole_of


def test_the_box_is_in_the_middle_whatever_the_random_numbers():
    for seed in (0, 1):
        hole = Centre(128, 64)(np.random.default_rng(seed), 256, 256)
        assert hole.box == (64, 96, 128, 64)
        for drawn in (hole.mask, hole.region):
            np.testing.assert_array_equal(drawn, hole_of(256, 256, hole.box))


def test_odd_remainders_go_up_and_left():
    assert Centre(2, 2)(np.random.default_rng(0), 5, 7).box == (1, 2, 2, 2)


@pytest.mark.parametrize("size", [(64, 32), (32, 64), (48, 48)])
def test_larger_than_the_picture_or_all_of_it_is_refused(size):
    with pytest.raises(ValueError, match=r"leaves nothing known of a picture of 48 x 48.*image_si"):
        Centre(*size).check(48, 48)


def test_one_full_side_is_fine():
    Centre(48, 47).check(48, 48)
