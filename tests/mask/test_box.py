"""The ranges are the authors' `random_bbox` and `bbox2mask`, as the reference's README has them."""

import numpy as np
import pytest

from farfill.mask.box import Box, rectangle
from helpers.holes import hole_of

PAPER = {
    "height": 128,
    "width": 128,
    "vertical_margin": 0,
    "horizontal_margin": 0,
    "max_shrink_height": 0.25,
    "max_shrink_width": 0.25,
}


def draw(box, count, size, seed=0):
    rng = np.random.default_rng(seed)
    return [box(rng, *size) for _ in range(count)]


@pytest.fixture(scope="module")
def papers():
    return draw(Box(**PAPER), 2500, (256, 256))


def test_top_and_left_take_every_value_from_0_to_127_and_no_other(papers):
    for axis in (0, 1):
        assert {hole.box[axis] for hole in papers} == set(range(128))
    assert any(hole.box[0] != hole.box[1] for hole in papers)


def test_margins_move_the_range_on_their_own_axis():
    box = Box(**PAPER | {"height": 4, "width": 6, "vertical_margin": 2, "horizontal_margin": 3})
    holes = draw(box, 500, (14, 20))
    assert {hole.box[0] for hole in holes} == set(range(2, 14 - 2 - 4))
    assert {hole.box[1] for hole in holes} == set(range(3, 20 - 3 - 6))


def test_shrink_is_the_same_on_opposite_sides_and_drawn_per_axis(papers):
    shrinks = set()
    for hole in papers:
        top, left, height, width = hole.box
        rows, columns = (np.flatnonzero(hole.mask.any(axis)) for axis in (1, 0))
        down, right = rows[0] - top, columns[0] - left
        assert (top + height - 1 - rows[-1], left + width - 1 - columns[-1]) == (down, right)
        assert hole.mask.sum() == (height - 2 * down) * (width - 2 * right)  # a full rectangle
        shrinks.add((int(down), int(right)))
    assert {down for down, _ in shrinks} == {right for _, right in shrinks} == set(range(17))
    assert len(shrinks) == 17 * 17


def test_region_and_box_are_the_unshrunk_box(papers):
    for hole in papers[:20]:
        assert hole.box[2:] == (128, 128)
        np.testing.assert_array_equal(hole.region, hole_of(256, 256, hole.box))


@pytest.mark.parametrize(("size", "name"), [((128, 256), "height"), ((256, 128), "width")])
def test_an_empty_range_is_one_sentence(size, name):
    with pytest.raises(ValueError, match=rf"of {name} 128 .* expected more than 128 pixels.*box_"):
        Box(**PAPER).check(*size)
    with pytest.raises(ValueError, match="finds no place"):
        Box(**PAPER)(np.random.default_rng(0), *size)


def test_one_place_is_enough():
    box = Box(**PAPER)
    box.check(129, 129)
    assert {hole.box[:2] for hole in draw(box, 10, (129, 129))} == {(0, 0)}


@pytest.mark.parametrize(
    "wrong", [{"height": 0}, {"vertical_margin": -1}, {"max_shrink_width": 1.0}]
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match="expected mask"):
        Box(**PAPER | wrong)


def test_box_and_shrink():
    drawn = rectangle(5, 6, (1, 0, 4, 6), (1, 2))
    np.testing.assert_array_equal(drawn, hole_of(5, 6, (2, 2, 2, 2)))
