"""Holes of several kinds: each its share, and one size of box."""

import numpy as np
import pytest
from PIL import Image

from farfill.config.instantiate import instantiate
from farfill.mask.box import Box
from farfill.mask.centre import Centre
from farfill.mask.mixed import Mixed
from helpers.compose import composed

KINDS = {"box": Box(8, 8, 0, 0, 0, 0), "centre": Centre(8, 8)}


def test_each_kind_comes_as_often_as_its_share_says():
    mixed = Mixed(KINDS, {"box": 1, "centre": 3})
    mixed.check(64, 64)
    boxes = [mixed(np.random.default_rng(seed), 64, 64).box for seed in range(400)]
    centred = sum(box == (28, 28, 8, 8) for box in boxes)
    assert 270 < centred < 330
    assert len({*boxes}) > 60


def test_a_hole_depends_on_the_random_numbers_alone():
    cfg = composed("mask=mixed", "box_size=16")
    one, other = (instantiate(cfg.mask) for _ in range(2))
    for seed in range(20):
        drawn = [mixed(np.random.default_rng(seed), 64, 64) for mixed in (one, other)]
        np.testing.assert_array_equal(drawn[0].mask, drawn[1].mask)
        assert drawn[0].box == drawn[1].box


def test_what_has_no_share_is_not_drawn_nor_checked():
    mixed = Mixed({**KINDS, "large": Centre(99, 99)}, {"box": 0, "centre": 1, "large": 0})
    mixed.check(64, 64)
    assert {mixed(np.random.default_rng(seed), 64, 64).box for seed in range(50)} == {
        (28, 28, 8, 8)
    }


@pytest.mark.parametrize(
    ("shares", "says"),
    [
        ({"box": 1}, "mask.shares to have a number for each of mask.kinds, which are box, centre"),
        ({"box": 1, "centre": -1}, "numbers from 0"),
        ({"box": 0, "centre": 0}, "one of them above it"),
        ({"box": 1, "centre": float("inf")}, "numbers from 0"),
        ({"box": 1, "centre": float("nan")}, "numbers from 0"),
    ],
)
def test_shares_that_are_none_are_refused(shares, says):
    with pytest.raises(ValueError, match=says):
        Mixed(KINDS, shares)


def test_boxes_of_two_sizes_are_refused_before_training():
    mixed = Mixed({"box": KINDS["box"], "centre": Centre(9, 8)}, {"box": 1, "centre": 1})
    with pytest.raises(ValueError, match=r"one size .* got box 8 x 8, centre 9 x 8"):
        mixed.check(64, 64)
    with pytest.raises(ValueError, match=r"centre|box"):
        Mixed(KINDS, {"box": 1, "centre": 1}).check(8, 8)


def test_files_can_be_one_of_the_kinds(tmp_path):
    mask = np.zeros((64, 64), np.uint8)
    mask[:20, :20] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    more = ["+mask@mask.kinds.folder=folder", f"mask.kinds.folder.root={tmp_path}"]
    cfg = composed("mask=mixed", *more, "+mask.shares.folder=9", "box_size=16")
    mixed = instantiate(cfg.mask)
    mixed.check(64, 64)
    assert any(mixed(np.random.default_rng(n), 64, 64).mask.sum() == 400 for n in range(9))
