"""Random state survives a checkpoint that is read without pickle."""

import random

import numpy as np
import torch

from farfill.callback.random_state import RandomState


def draw():
    return random.random(), np.random.rand(), torch.rand(1).item(), np.random.randn()


def test_the_same_numbers_come_again(tmp_path):
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    np.random.randn()  # leaves a second normal number cached
    torch.save(RandomState().state_dict(), tmp_path / "state")
    expected = draw()
    assert draw() != expected
    RandomState().load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert draw() == expected
