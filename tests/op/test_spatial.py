"""Nearest neighbour with aligned corners, and bilinear sampling exact where it should be."""

import pytest
import torch
import torch.nn.functional as F

from farfill.op.spatial import (
    nearest_index,
    pixel_positions,
    reduce_nearest,
    resize_nearest,
    sample,
)

FEATURES = torch.rand(2, 3, 5, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def test_halving_32_takes_the_authors_rows():
    """Trap 2: neither of PyTorch's nearest modes does this."""
    expected = [0, 2, 4, 6, 8, 10, 12, 14, 17, 19, 21, 23, 25, 27, 29, 31]
    assert nearest_index(32, 16).tolist() == expected


@pytest.mark.parametrize(
    ("size", "small", "position", "expected"),
    [
        (18, 9, 4, 9),  # 8.5 exactly: up, where rounding half to even would give 8
        (22, 11, 5, 11),  # 10.5
        (54, 27, 13, 26),  # 26.5 exactly, 26.499998 in TensorFlow's float32
    ],
)
def test_ties_fall_as_in_tensorflow(size, small, position, expected):
    assert nearest_index(size, small)[position] == expected


def test_one_sample_copies_the_first():
    assert nearest_index(5, 1).tolist() == [0]


def test_doubling_repeats_every_sample():
    row = torch.arange(6.0).view(1, 1, 1, 6)
    assert torch.equal(resize_nearest(row, 1, 12), row.repeat_interleave(2, -1))


def test_reduction_rounds_up():
    assert reduce_nearest(torch.zeros(1, 2, 9, 7), 2).shape == (1, 2, 5, 4)


def test_one_step_is_another_hole_than_two():
    """Trap 3: 256 to 64 to 32 is not 256 to 32."""
    different = 0
    for top in range(0, 128, 8):
        hole = torch.zeros(1, 1, 256, 256)
        hole[..., top + 3 : top + 123, top + 5 : top + 125] = 1
        two = resize_nearest(resize_nearest(hole, 64, 64), 32, 32)
        different += not torch.equal(two, resize_nearest(hole, 32, 32))
    assert different > 8


def positions(height, width, seed=1, reach=3.0):
    rng = torch.Generator().manual_seed(seed)
    moved = (torch.rand(2, 2, height, width, dtype=torch.float64, generator=rng) - 0.5) * 2 * reach
    return pixel_positions(2, height, width, like=moved) + moved


def test_equals_grid_sample_with_aligned_corners():
    position = positions(5, 7)
    last = torch.tensor([4.0, 6.0], dtype=torch.float64).view(1, 2, 1, 1)
    grid = (position / last * 2 - 1).flip(1).permute(0, 2, 3, 1)
    expected = F.grid_sample(FEATURES, grid, padding_mode="border", align_corners=True)
    torch.testing.assert_close(sample(FEATURES, position), expected)


def test_whole_positions_copy_bit_for_bit():
    features = torch.randn(2, 3, 37, 53)
    here = pixel_positions(2, 37, 53, like=features)
    assert torch.equal(sample(features, here), features)
    shifted = sample(features, here + torch.tensor([2.0, -1.0]).view(1, 2, 1, 1))
    assert torch.equal(shifted[..., :-2, 1:], features[..., 2:, :-1])


def test_outside_is_the_edge():
    here = pixel_positions(2, 5, 7, like=FEATURES)
    far = sample(FEATURES, here + 100)
    assert torch.equal(far, FEATURES[..., -1:, -1:].expand_as(far))


def test_gradients_of_features_and_positions():
    features = FEATURES[:, :1].clone().requires_grad_()
    position = positions(5, 7, reach=0.4).clamp(0.1, 3.9).requires_grad_()
    assert torch.autograd.gradcheck(sample, (features, position))
