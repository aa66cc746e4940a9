"""What every classical baseline must keep, and what each does on a picture with a known answer."""

import cv2
import numpy as np
import pytest
import torch

from farfill.baseline.mean_colour import MeanColour
from farfill.baseline.navier_stokes import NavierStokes
from farfill.baseline.patch_match import PatchMatch
from farfill.baseline.telea import Telea
from farfill.types import Batch
from helpers.holes import box_holes

BASELINES = [Telea(radius=3.0), NavierStokes(radius=3.0), MeanColour(), PatchMatch(7, 2, 1, 0)]
every_baseline = pytest.mark.parametrize(
    "baseline", BASELINES, ids=lambda baseline: type(baseline).__name__
)


def make_batch(image: torch.Tensor) -> Batch:
    """Two boxes at different places."""
    boxes = (4, 5, 8, 15), (10, 18, 10, 12)
    hole = box_holes(*image.shape[-2:], *boxes)
    return Batch(image, hole, hole, torch.tensor(boxes), torch.arange(2))


@pytest.fixture
def batch():
    """Not on the 8-bit grid: a detour through uint8 would show."""
    torch.manual_seed(0)
    return make_batch(torch.rand(2, 3, 24, 32) * 2 - 1)


@every_baseline
def test_known_pixels_stay_bit_for_bit(baseline, batch):
    completed = baseline(batch)
    known = (batch.hole == 0).expand_as(batch.image)
    assert completed.dtype == batch.image.dtype
    assert torch.equal(completed[known], batch.image[known])
    assert not torch.equal(completed, batch.image)
    assert completed.abs().max() <= 1


@every_baseline
def test_pixels_inside_the_hole_are_never_seen(baseline, batch):
    hidden = torch.where(batch.hole.bool(), torch.rand_like(batch.image), batch.image)
    assert not torch.equal(hidden, batch.image)
    assert torch.equal(baseline(batch._replace(image=hidden)), baseline(batch))


@every_baseline
def test_flat_pictures_are_filled_flat_each_in_its_own_colour(baseline):
    """Up to two of 255 levels: OpenCV's Telea is that far off, by itself."""
    colours = torch.tensor([[0.2, -0.6, 1.0], [-1.0, 0.4, 0.6]])  # levels of the 8-bit grid
    flat = colours[:, :, None, None].expand(2, 3, 24, 32).contiguous()
    torch.testing.assert_close(baseline(make_batch(flat)), flat, atol=2.01 / 127.5, rtol=0)


@every_baseline
def test_batch_equals_its_samples_one_by_one(baseline, batch):
    single = torch.cat([baseline(Batch(*(part[i : i + 1] for part in batch))) for i in range(2)])
    torch.testing.assert_close(baseline(batch), single)


@pytest.mark.parametrize(
    ("baseline", "method"), [(Telea, cv2.INPAINT_TELEA), (NavierStokes, cv2.INPAINT_NS)]
)
def test_opencv_gets_rgb_levels_radius_and_method(baseline, method, batch):
    levels = (torch.rand(2, 3, 24, 32) * 255).byte()
    batch = make_batch(levels / 127.5 - 1)

    completed = ((baseline(radius=5.0)(batch) + 1) * 127.5).round().byte()

    picture = levels[1].permute(1, 2, 0).numpy()
    expected = cv2.inpaint(picture, batch.hole[1, 0].byte().numpy(), 5.0, method)
    np.testing.assert_array_equal(completed[1].permute(1, 2, 0).numpy(), expected)


def test_mean_colour_is_the_mean_of_the_known(batch):
    inside = batch.hole[0, 0].bool()
    expected = batch.image[0, :, ~inside].mean(1)
    torch.testing.assert_close(MeanColour()(batch)[0, :, 6, 7], expected)
