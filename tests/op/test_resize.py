"""Nearest neighbour with aligned corners."""

from __future__ import annotations

import pytest
import torch

from farfill.op.resize import nearest_index, reduce_nearest, resize_nearest


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
