"""0 for the same content in every hole, 1 for the truth's own variety."""

import pytest
import torch

from farfill.callback.hole_variance import relative_variance
from helpers.tiny import random_batch


def shrunk(batch):
    """Holes of different sizes inside the boxes."""
    hole = batch.hole.clone()
    for number, (top, _, _, _) in enumerate(batch.box.tolist()):
        hole[number, :, top : top + number] = 0
    return batch._replace(hole=hole)


@pytest.fixture
def batch():
    return shrunk(random_batch(5))


def test_the_truth_has_its_own_variety(batch):
    assert relative_variance(batch.image, batch) == pytest.approx(1)


def test_half_the_contrast_is_a_quarter_of_the_variance(batch):
    assert relative_variance(batch.image / 2 + 0.3, batch) == pytest.approx(0.25)


def test_the_same_patch_in_every_hole_has_none(batch):
    completed = batch.image * (1 - batch.hole)
    patch = torch.rand(3, 16, 16)
    for picture, hole, (top, left, h, w) in zip(completed, batch.hole, batch.box, strict=True):
        area = (slice(None), slice(top, top + h), slice(left, left + w))
        picture[area] += patch * hole[area]
    assert relative_variance(completed, batch) == pytest.approx(0, abs=1e-9)


def test_known_pixels_do_not_count(batch):
    other = torch.rand_like(batch.image)
    mixed = batch.image * batch.hole + other * (1 - batch.hole)
    assert relative_variance(mixed, batch) == pytest.approx(1)


def test_it_agrees_with_the_plain_formula_where_all_holes_are_whole():
    batch = random_batch(4)
    completed = torch.rand_like(batch.image)

    def spread(pictures):
        boxes = zip(pictures, batch.box.tolist(), strict=True)
        patches = [one[:, t : t + 16, le : le + 16] for one, (t, le, _, _) in boxes]
        return torch.stack(patches).var(0, unbiased=False).mean()

    expected = spread(completed) / spread(batch.image)
    assert relative_variance(completed, batch) == pytest.approx(float(expected))


def test_holes_that_share_no_place_vary_in_nothing():
    batch = random_batch(2)
    hole = batch.hole.clone()
    for picture, part in zip(hole, (slice(0, 8), slice(8, 16)), strict=True):
        rows = picture.any(2).nonzero()[:, 1].unique()
        picture[:, rows[part]] = 0
    assert relative_variance(batch.image, batch._replace(hole=hole)) == 0
