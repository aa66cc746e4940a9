import numpy as np

from farfill.mask.rectangle import rectangle


def test_box_and_shrink():
    expected = np.array(
        [
            [0, 0, 0, 0, 0, 0],
            [0, 0, 0, 0, 0, 0],
            [0, 0, 1, 1, 0, 0],
            [0, 0, 1, 1, 0, 0],
            [0, 0, 0, 0, 0, 0],
        ],
        dtype=bool,
    )
    np.testing.assert_array_equal(rectangle(5, 6, (1, 0, 4, 6), (1, 2)), expected)
