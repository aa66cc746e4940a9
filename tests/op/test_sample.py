"""Bilinear sampling: against PyTorch's, and exact where it should be."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from farfill.op.sample import own_position, sample

FEATURES = torch.rand(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def positions(height, width, seed=1, reach=3.0):
    rng = torch.Generator().manual_seed(seed)
    moved = (torch.rand(2, 2, height, width, dtype=torch.float64, generator=rng) - 0.5) * 2 * reach
    return own_position(2, height, width, like=moved) + moved


def test_equals_grid_sample_with_aligned_corners():
    position = positions(5, 7)
    last = torch.tensor([4.0, 6.0], dtype=torch.float64).view(1, 2, 1, 1)
    grid = (position / last * 2 - 1).flip(1).permute(0, 2, 3, 1)
    expected = F.grid_sample(FEATURES, grid, padding_mode="border", align_corners=True)
    torch.testing.assert_close(sample(FEATURES, position), expected)


def test_whole_positions_copy_bit_for_bit():
    features = torch.randn(2, 3, 37, 53)
    own = own_position(2, 37, 53, like=features)
    assert torch.equal(sample(features, own), features)
    shifted = sample(features, own + torch.tensor([2.0, -1.0]).view(1, 2, 1, 1))
    assert torch.equal(shifted[..., :-2, 1:], features[..., 2:, :-1])


def test_outside_is_the_edge():
    own = own_position(2, 5, 7, like=FEATURES)
    far = sample(FEATURES, own + 100)
    assert torch.equal(far, FEATURES[..., -1:, -1:].expand_as(far))


def test_gradients_of_features_and_positions():
    features = FEATURES[:, :1].clone().requires_grad_()
    position = positions(5, 7, reach=0.4).clamp(0.1, 3.9).requires_grad_()
    assert torch.autograd.gradcheck(sample, (features, position))
