"""The ceiling of copying, where it is known: repetitions, mirrors and noise."""

import pytest
import torch

from farfill.baseline.oracle import Oracle
from farfill.baseline.patch_match import PatchMatch
from farfill.metric.suite import l1
from farfill.types import Batch
from helpers.holes import box_holes


def batch_of(image, *box):
    hole = box_holes(*image.shape[-2:], box)
    return Batch(image, hole, hole, torch.tensor([box]), torch.arange(1))


@pytest.fixture
def periodic():
    """Repeats after 12 and 13 pixels: no multiple of a patch's half."""
    tile = torch.rand(1, 3, 12, 13) * 2 - 1
    return batch_of(tile.repeat(1, 1, 5, 5)[..., :50, :61], 17, 21, 16, 16)


def test_repetitions_are_filled_exactly(periodic):
    torch.testing.assert_close(Oracle()(periodic), periodic.image)


def test_a_mirror_image_cannot_be_copied_but_is_filled_better_than_by_who_cannot_see():
    """Smooth blobs whose right half mirrors the left."""
    left = torch.nn.functional.interpolate(
        torch.rand(1, 3, 8, 4) * 2 - 1, size=(64, 32), mode="bicubic"
    ).clamp(-1, 1)
    batch = batch_of(torch.cat([left, left.flip(-1)], dim=-1), 16, 36, 24, 24)
    errors = [
        l1(filler(batch), batch.image, batch.hole).item()
        for filler in (Oracle(), PatchMatch(7, 4, 2, 0))
    ]
    assert 0.01 < errors[0] < errors[1]


def test_each_patch_is_the_known_one_nearest_to_the_truth():
    """Against all pairs, one by one, of patches that do not overlap with others in the middle."""
    batch = batch_of(torch.rand(1, 1, 20, 20) * 2 - 1, 8, 8, 2, 2)
    image, hole = batch.image[0, 0], batch.hole[0, 0]
    known = [
        image[y : y + 2, x : x + 2]
        for y in range(19)
        for x in range(19)
        if not hole[y : y + 2, x : x + 2].any()
    ]
    painted = torch.zeros(20, 20)
    for y in range(7, 10):
        for x in range(7, 10):
            true = image[y : y + 2, x : x + 2]
            best = min(known, key=lambda patch, true=true: (patch - true).square().sum())
            painted[y : y + 2, x : x + 2] += best / 4
    found = Oracle(side=2)(batch)[0, 0]
    torch.testing.assert_close(found[8:10, 8:10], painted[8:10, 8:10])


def test_a_hole_at_the_edge_is_filled_too(periodic):
    batch = batch_of(periodic.image, 0, 45, 16, 16)
    filled = Oracle()(batch)
    assert l1(filled, batch.image, batch.hole) < 0.2


def test_without_a_known_patch_it_is_grey():
    batch = batch_of(torch.ones(1, 3, 16, 16), 2, 2, 12, 12)
    torch.testing.assert_close(Oracle()(batch), batch.image)


def test_what_it_cannot_do_it_refuses():
    with pytest.raises(ValueError, match="even number from 2, got 7"):
        Oracle(7)
    with pytest.raises(ValueError, match="at least 8 x 8 pixels, got 6 x 20"):
        Oracle()(batch_of(torch.zeros(1, 3, 6, 20), 2, 2, 2, 2))


def test_known_pixels_stay_bit_for_bit():
    batch = batch_of(torch.rand(1, 3, 24, 32) * 2 - 1, 4, 5, 8, 15)
    known = (batch.hole == 0).expand_as(batch.image)
    assert torch.equal(Oracle()(batch)[known], batch.image[known])
