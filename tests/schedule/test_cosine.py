"""The rate depends on the count and the run's length, and on nothing a checkpoint holds."""

import math

import pytest
import torch

from farfill.schedule.constant import Constant
from farfill.schedule.cosine import Cosine


def optimizer():
    return torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=2.0)


def rates(schedule, steps):
    seen = []
    for _ in range(steps):
        seen.append(schedule.get_last_lr()[0])
        schedule.optimizer.step()
        schedule.step()
    return seen


def test_half_a_cosine_then_zero():
    expected = [1 + math.cos(math.pi * step / 10) for step in range(10)] + [0, 0, 0]
    assert rates(Cosine(optimizer(), 10), 13) == pytest.approx(expected, abs=1e-12)


def test_a_prolonged_run_follows_its_new_length():
    first = Cosine(optimizer(), 10)
    rates(first, 10)
    longer = Cosine(optimizer(), 40)
    longer.load_state_dict(first.state_dict())
    longer.optimizer.load_state_dict(first.optimizer.state_dict())
    rates(longer, 1)
    assert longer.get_last_lr()[0] == pytest.approx(1 + math.cos(math.pi * 11 / 40))


def test_the_same_length_goes_on_bit_for_bit():
    whole = rates(Cosine(optimizer(), 10), 10)
    first = Cosine(optimizer(), 10)
    rates(first, 4)
    second = Cosine(optimizer(), 10)
    second.optimizer.load_state_dict(first.optimizer.state_dict())
    second.load_state_dict(first.state_dict())
    assert rates(second, 6) == whole[4:]


def test_a_warm_up_grows_to_the_full_rate():
    assert rates(Constant(optimizer()), 3) == [2.0] * 3
    assert rates(Constant(optimizer(), warmup=3), 6) == pytest.approx([0.5, 1, 1.5, 2, 2, 2])
    cold = rates(Cosine(optimizer(), 10), 10)
    warm = rates(Cosine(optimizer(), 10, warmup=3), 10)
    shares = [0.25, 0.5, 0.75, *[1] * 7]
    assert warm == pytest.approx([rate * share for rate, share in zip(cold, shares, strict=True)])
    with pytest.raises(ValueError, match=r"steps` from 1, got -1: .* schedule=constant"):
        Cosine(optimizer(), -1)  # its rate would be whole and nothing in turn
    with pytest.raises(ValueError, match="warmup` from 0, got -1"):
        Constant(optimizer(), warmup=-1)
