import numpy as np
import pytest

from farfill.mask.protocol import check_patch, irregular_hole


@pytest.mark.parametrize(
    ("rows", "columns", "corner"),
    [
        (slice(8, 12), slice(4, 6), (6, 1)),  # centre of mass (10, 5), patch 8 x 8
        (slice(0, 2), slice(0, 2), (0, 0)),
        (slice(18, 20), slice(28, 30), (12, 22)),
    ],
)
def test_patch_is_around_the_centre_of_mass_and_inside_the_picture(rows, columns, corner):
    mask = np.zeros((20, 30), dtype=bool)
    mask[rows, columns] = True
    hole = irregular_hole(mask, 8, 8)
    assert hole.box == (*corner, 8, 8)
    assert hole.region is mask


def test_patch_beyond_the_picture_is_refused():
    check_patch(20, 30, 20, 30)
    for patch in ((21, 8), (8, 31), (0, 8)):
        with pytest.raises(ValueError, match="box_size"):
            check_patch(*patch, 20, 30)
