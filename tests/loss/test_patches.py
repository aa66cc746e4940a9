"""The loss of patches."""

import pytest
import torch
from torch.nn.functional import avg_pool2d, interpolate

from farfill.loss.patches import Patches
from farfill.types import Batch, Completion


def textured(seed: int) -> torch.Tensor:
    """Two pictures of blocks, half a unit of contrast."""
    rng = torch.Generator().manual_seed(seed)
    return interpolate(torch.rand(2, 3, 16, 16, generator=rng) - 0.5, scale_factor=4.0)


@pytest.fixture
def pictures():
    hole = torch.zeros(2, 1, 64, 64)
    hole[:, :, 16:48, 16:48] = 1
    box = torch.tensor([[16, 16, 32, 32]]).expand(2, -1)
    return Batch(textured(0), hole, hole, box, torch.arange(2))


def loss_of(refined: torch.Tensor, batch: Batch, **change) -> torch.Tensor:
    torch.manual_seed(0)
    numbers = {"weight": 1.0, "levels": 2, "directions": 16}
    (value,) = Patches(**(numbers | change))(Completion(refined, refined, None), batch).values()
    return value


def test_the_truth_loses_nothing_and_the_weight_counts(pictures):
    assert loss_of(pictures.image, pictures) == 0
    other = loss_of(textured(1), pictures)
    torch.testing.assert_close(loss_of(textured(1), pictures, weight=3.0), 3 * other)


def test_other_texture_of_the_kind_is_nearer_than_the_best_smooth_fill(pictures):
    """What L1 has the other way round."""
    smooth = interpolate(avg_pool2d(pictures.image, 16), scale_factor=16.0)
    texture = textured(1)
    near, far = (loss_of(fill, pictures) for fill in (texture, smooth))
    assert near < 0.5 * far
    l1 = [((fill - pictures.image) * pictures.hole).abs().mean() for fill in (texture, smooth)]
    assert l1[0] > l1[1]


def test_only_patches_that_touch_the_hole_count(pictures):
    """Known pixels are pasted: whatever the refined stage has there, and far from the hole."""
    refined = textured(1)
    elsewhere = torch.where(pictures.hole > 0, refined, torch.randn_like(refined))
    assert torch.equal(loss_of(refined, pictures), loss_of(elsewhere, pictures))
    far = pictures.image.clone()
    far[:, :, :4, :4] += 1  # more than a patch and the pyramid's filter away, at the finest level
    moved = pictures._replace(image=far)
    same = [loss_of(refined, batch, levels=1) for batch in (pictures, moved)]
    torch.testing.assert_close(*same)


def test_a_step_against_the_gradient_brings_texture_into_a_flat_hole(pictures):
    fill = torch.zeros_like(pictures.image).requires_grad_()
    optimizer = torch.optim.Adam([fill], lr=0.02)
    before = loss_of(fill.detach(), pictures)
    for step in range(30):
        torch.manual_seed(step)
        optimizer.zero_grad()
        (value,) = Patches(1.0, 2, 16)(Completion(fill, fill, None), pictures).values()
        value.backward()
        assert not (fill.grad * (1 - pictures.hole)).any()
        optimizer.step()
    assert loss_of(fill.detach(), pictures) < 0.5 * before


def test_a_picture_without_a_hole_counts_nothing(pictures):
    hole = pictures.hole.clone()
    hole[1] = 0
    half = loss_of(textured(1), pictures._replace(hole=hole))
    first = Batch(*(part[:1] for part in pictures))
    torch.testing.assert_close(2 * half, loss_of(textured(1)[:1], first), rtol=0.05, atol=0)
    assert loss_of(textured(1), pictures._replace(hole=torch.zeros_like(hole))) == 0


def test_a_hole_of_more_patches_than_are_compared_is_met_everywhere():
    """Each time others of them, so that no pixel is left out for good."""
    image = torch.zeros(1, 3, 96, 96)
    hole = torch.ones(1, 1, 96, 96)
    batch = Batch(image, hole, hole, torch.tensor([[0, 0, 96, 96]]), torch.arange(1))
    met = torch.zeros(96, 96, dtype=torch.bool)
    for seed in range(4):
        torch.manual_seed(seed)
        fill = torch.randn(1, 3, 96, 96).requires_grad_()
        (value,) = Patches(1.0, 1, 4)(Completion(fill, fill, None), batch).values()
        value.backward()
        met |= fill.grad[0].abs().sum(0) > 0
    assert met.all()


def test_mixed_precision_does_not_round_it(pictures):
    plain = loss_of(textured(1), pictures)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(loss_of(textured(1), pictures), plain)


@pytest.mark.parametrize("change", [{"levels": 0}, {"directions": 0}])
def test_useless_numbers_are_refused(change):
    with pytest.raises(ValueError, match="`levels` and `directions` from 1"):
        Patches(**({"weight": 1.0, "levels": 1, "directions": 1} | change))
