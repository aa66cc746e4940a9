"""Cells of the attention's grid land on the pixels they stand for."""

import numpy as np
import pytest
import torch

from farfill.inpainting.attention_picture import attention_picture
from farfill.inpainting.fill import Filled

WHITE = [255, 255, 255]


def filled(size, seen, grid, moved):
    """One cell, ``moved``, borrows from elsewhere; the others from themselves (white)."""
    offsets = torch.zeros(1, 2, *grid, dtype=torch.int64)
    offsets[0, :, moved[0], moved[1]] = torch.tensor([1, -2])
    return Filled(np.zeros((*size, 3), np.uint16), offsets, seen)


def coloured(picture):
    rows, columns = np.nonzero((picture != WHITE).any(-1))
    return rows.min(), rows.max(), columns.min(), columns.max()


def test_each_cell_is_eight_pixels_and_the_padding_is_cut_off():
    picture = attention_picture(filled((20, 13), (20, 13), (3, 2), moved=(2, 1)))
    assert picture.shape == (20, 13, 3)
    assert picture.dtype == np.uint8
    assert coloured(picture) == (16, 19, 8, 12)
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) == 2  # nearest: no mixed colours


def test_a_finer_grid_has_smaller_cells():
    picture = attention_picture(filled((20, 13), (20, 13), (6, 4), moved=(1, 0)))
    assert coloured(picture) == (4, 7, 0, 3)


def test_a_reduced_fill_has_larger_cells():
    picture = attention_picture(filled((40, 60), (20, 30), (3, 4), moved=(1, 2)))
    assert coloured(picture) == (16, 31, 32, 47)


def test_an_attention_without_sources_has_no_picture():
    without = Filled(np.zeros((8, 8, 3), np.uint8), None, (8, 8))
    with pytest.raises(ValueError, match="attention=null"):
        attention_picture(without)
