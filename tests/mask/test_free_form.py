import cv2
import numpy as np
import pytest

from farfill.mask.free_form import FreeForm

NUMBERS = {
    "min_fraction": 0.1,
    "max_fraction": 0.3,
    "min_brush": 0.05,
    "max_brush": 0.15,
    "max_vertices": 6,
    "max_length": 0.35,
    "max_turn": 2.5,
    "patch_height": 32,
    "patch_width": 32,
}


@pytest.mark.parametrize("size", [(64, 64), (48, 80)])
def test_the_missing_share_fills_its_bounds(size):
    rng = np.random.default_rng(0)
    shares = [FreeForm(**NUMBERS)(rng, *size).mask.mean() for _ in range(150)]
    assert 0.1 <= min(shares) < 0.12
    assert 0.25 < max(shares) <= 0.3


def test_masks_are_strokes_not_boxes_and_all_different():
    rng = np.random.default_rng(0)
    masks = [FreeForm(**NUMBERS)(rng, 64, 64).mask for _ in range(20)]
    assert len({mask.tobytes() for mask in masks}) == 20
    for mask in masks:
        filled = cv2.boundingRect(mask.astype(np.uint8))
        assert mask.sum() < 0.9 * filled[2] * filled[3]


def test_nothing_is_thinner_than_the_brush():
    brush = FreeForm(**NUMBERS | {"min_brush": 0.1, "max_brush": 0.1})  # a radius of 3 of 64
    rng = np.random.default_rng(0)
    disc = np.zeros((7, 7), np.uint8)
    cv2.circle(disc, (3, 3), 3, 1, cv2.FILLED)
    for _ in range(10):
        mask = np.pad(brush(rng, 64, 64).mask.astype(np.uint8), 8, mode="edge")
        np.testing.assert_array_equal(
            cv2.morphologyEx(mask, cv2.MORPH_OPEN, disc)[8:-8, 8:-8], mask[8:-8, 8:-8]
        )


def test_the_same_random_numbers_give_the_same_hole():
    first, second = (FreeForm(**NUMBERS)(np.random.default_rng(5), 64, 64) for _ in range(2))
    np.testing.assert_array_equal(first.mask, second.mask)
    assert first.box == second.box
    assert first.box[2:] == (32, 32)


@pytest.mark.parametrize(
    "wrong",
    [
        {"min_fraction": 0.0},
        {"max_fraction": 1.0},
        {"min_fraction": 0.3},
        {"min_brush": 0.2},
        {"max_vertices": 0},
        {"max_length": 0.0},
    ],
)
def test_numbers_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected 0 < mask\."):
        FreeForm(**NUMBERS | wrong)


def test_a_brush_too_thick_for_the_bounds_is_refused():
    with pytest.raises(ValueError, match=r"lower mask\.max_brush or widen"):
        FreeForm(**NUMBERS | {"max_brush": 0.5}).check(64, 64)


def test_a_patch_larger_than_the_picture_is_refused():
    with pytest.raises(ValueError, match=r"mask\.patch_height"):
        FreeForm(**NUMBERS).check(31, 64)
