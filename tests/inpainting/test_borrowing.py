"""Sources are pixels of the picture; their picture has colours, an outline and a key."""

import numpy as np
import pytest
import torch

import farfill
from farfill.attention.contextual import ContextualAttention
from farfill.inpainting.borrowing import Attention
from farfill.inpainting.crop import Crop
from farfill.inpainting.fill import Filled, fill
from farfill.inpainting.window import Span, Window
from helpers.holes import hole_of


def filled(size, corner, shape, seen, grid, moved, cell):
    """One crop, all of its lower right quarter missing; a cell borrows from another."""
    offsets = torch.zeros(1, 2, *grid, dtype=torch.int64)
    offsets[0, :, moved[0], moved[1]] = torch.tensor([-1, 1])
    own = np.zeros(shape, bool)
    own[shape[0] // 2 :, shape[1] // 2 :] = True
    spans = (Span(first, first + side) for first, side in zip(corner, shape, strict=True))
    crop = Crop(Window(*spans), own, own)
    hole = np.zeros(size, bool)
    hole[crop.slices] = own
    return Filled(np.zeros((*size, 3), np.uint16), hole, [crop], [offsets], [seen], cell)


@pytest.mark.parametrize(
    ("shape", "seen", "grid", "moved", "expected", "step"),
    [
        ((24, 32), (24, 32), (3, 4), (2, 2), (16, 23, 16, 23), 8),
        ((24, 32), (24, 32), (6, 8), (4, 5), (16, 19, 20, 23), 4),  # a finer grid
        ((48, 64), (24, 32), (3, 4), (2, 2), (32, 47, 32, 47), 16),  # a reduced fill
        ((21, 29), (21, 29), (3, 4), (2, 2), (16, 20, 16, 23), 8),  # 8 pixels; less at the edge
    ],
)
def test_a_cell_borrows_as_a_patch(shape, seen, grid, moved, expected, step):
    corner = (5, 9)
    cell = step * seen[0] // shape[0]
    result = filled((100, 100), corner, shape, seen, grid, moved, cell)
    sources = result.attention().sources
    assert sources.dtype == np.int32
    assert (sources[~result.hole] == -1).all()
    rows, columns = np.nonzero((sources != np.dstack(np.mgrid[:100, :100])).all(2) & result.hole)
    found = rows.min(), rows.max(), columns.min(), columns.max()
    assert found == tuple(np.array(expected) + np.repeat(corner, 2))
    target = rows - step, np.minimum(columns + step, corner[1] + shape[1] - 1)
    assert (sources[rows, columns] == np.stack(target, 1)).all()


@pytest.mark.parametrize("rate", [1, 2, 3, 4])
def test_sources_are_known_pixels_of_the_crop(rate):
    """At rates of 3 and 4 the last places of a crop's grid hang over its edge."""
    torch.manual_seed(0)
    attention = ContextualAttention(3, rate, 1, 3, 10.0)
    generator = farfill.Generator(channels=4, attention=attention).eval()
    image = np.random.default_rng(0).integers(0, 256, (150, 220, 3), np.uint8)
    hole = hole_of(150, 220, (16, 32, 16, 24), (120, 160, 16, 24))
    result = fill(generator, image, hole, crop=64)
    sources = result.attention().sources
    for crop in result.crops:
        rows, columns = sources[crop.slices][crop.own].T
        assert not hole[rows, columns].any()
        (top, bottom), (left, right) = crop.window
        assert ((rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)).all()


def test_the_picture_has_colours_an_outline_faded_surroundings_and_a_key():
    image = np.full((300, 200, 3), 100, np.uint8)
    sources = np.full((300, 200, 2), -1, np.int32)
    sources[100:140, 50:90] = np.dstack(np.mgrid[100:140, 50:90])
    sources[120:140, 50:90] += (0, 60)
    picture = np.asarray(Attention(sources, image).picture())
    assert picture.shape[0] == 300
    assert (picture[:90, :200] == 208).all()  # 255 - 0.3 * 155
    assert (picture[101:119, 51:89] == 255).all()  # borrowed from where they are
    right = picture[130, 70]
    assert (picture[121:139, 51:89] == right).all()
    assert (picture[[99, 140], 50:90] == 0).all()
    assert (picture[100:140, [49, 90]] == 0).all()
    key = picture[:, 200:]
    wheel = np.argwhere((np.abs(key - right.astype(int)) < 9).all(2))  # what points to the right
    assert wheel[:, 1].min() > 35
    assert (key[76:] < 128).any()  # the distance of the rim in words


def test_deep_and_tiny_pictures_have_one_too():
    sources = np.full((5, 7, 2), -1, np.int32)
    sources[2, 3] = 0, 0
    picture = Attention(sources, np.full((5, 7, 3), 65535, np.uint16)).picture()
    assert picture.height >= 64
    assert np.asarray(picture)[4, 0].tolist() == [255, 255, 255]


def test_an_attention_without_sources_has_no_picture():
    hole = np.ones((8, 8), bool)
    without = Filled(np.zeros((8, 8, 3), np.uint8), hole, [], [], [], 8)
    with pytest.raises(ValueError, match="attention=null"):
        without.attention()
