"""Where pictures land on a sheet, and what is written."""

import numpy as np
import pytest
import torch

from farfill.image.contact_sheet import PADDING, TITLE_HEIGHT, sheet, to_uint8


def colour(*levels, size=(4, 6)):
    """A flat picture of the given 8-bit levels."""
    return (torch.tensor(levels) / 127.5 - 1)[:, None, None].expand(3, *size)


def test_pictures_are_enlarged_by_whole_pixels_in_their_cells():
    picture = torch.rand(3, 4, 6) * 2 - 1
    page = sheet([[colour(255, 0, 0), picture]], ["red", "noise"], smallest_cell=20)
    # 20 // 6 = 3 times as large; the second cell follows one width and padding later
    top, left = TITLE_HEIGHT + PADDING, 2 * PADDING + 18
    large = to_uint8(picture).repeat(3, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(page[top : top + 12, left : left + 18], large)
    assert (page[top : top + 12, PADDING : PADDING + 18] == [255, 0, 0]).all()
    assert page.dtype == np.uint8
    assert (page[-PADDING:] == 255).all()


def test_titles_are_written_above_their_column_and_stay_inside():
    cells = [colour(0, 0, 0, size=(8, 60)), colour(0, 0, 0, size=(8, 60))]
    bar = sheet([cells], ["", "a very long title " * 3], smallest_cell=60)[:TITLE_HEIGHT]
    edge = 60 + 2 * PADDING
    assert (bar[:, :edge] == 255).all()
    assert (bar[:, edge : edge + 60] < 128).any()
    assert (bar[:, -PADDING + 1 :] == 255).all()


def test_rows_may_be_short_and_pictures_differ_in_size():
    page = sheet(
        [[colour(0, 0, 0, size=(8, 8)), colour(9, 9, 9, size=(4, 4))], [colour(7, 7, 7)]],
        ["a", "b"],
        smallest_cell=8,
    )
    cell = 8 + PADDING
    assert page.shape == (TITLE_HEIGHT + 2 * cell + PADDING, 2 * cell + PADDING, 3)
    second_row = page[TITLE_HEIGHT + cell + PADDING :]
    assert (second_row[:4, PADDING : PADDING + 6] == 7).all()
    assert (second_row[:, cell + PADDING :] == 255).all()


@pytest.mark.parametrize("rows", [[], [[]], [[colour(0, 0, 0)] * 3]])
def test_rows_that_do_not_fit_the_titles_are_refused(rows):
    with pytest.raises(ValueError, match="expected rows of 1 to 2 pictures"):
        sheet(rows, ["a", "b"])


def test_values_are_rounded_and_clipped():
    values = torch.tensor([-3.0, -1.0, 0.0, 1.0, 1.5]).expand(3, 1, 5)
    assert to_uint8(values)[0, :, 0].tolist() == [0, 0, 128, 255, 255]
