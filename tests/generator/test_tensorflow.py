"""Weights of the authors' graph carry over whole, or not at all."""

import numpy as np
import pytest
import torch

from farfill import Generator, load_tensorflow_generator, swap_red_and_blue
from helpers.vectors import Vectors


@pytest.fixture
def arrays():
    return dict(Vectors("generator_cnum8_weights").arrays)


def test_names_every_problem_at_once_and_changes_nothing(arrays):
    generator = Generator(channels=8)
    before = {k: v.clone() for k, v in generator.state_dict().items()}
    del arrays["inpaint_net/conv1/bias"], arrays["inpaint_net/pmconv9/kernel"]
    arrays["inpaint_net/conv99/kernel"] = np.zeros(1)
    arrays["inpaint_net/xconv3/kernel"] = np.zeros((3, 3, 1, 1))
    with pytest.raises(ValueError, match="do not fit") as error:
        load_tensorflow_generator(generator, arrays)
    for part in (
        "missing inpaint_net/conv1/bias",
        "missing inpaint_net/pmconv9/kernel",
        "extra inpaint_net/conv99/kernel",
        "misshapen inpaint_net/xconv3/kernel: expected (3, 3, 8, 16), got (3, 3, 1, 1)",
    ):
        assert part in str(error.value)
    assert all(torch.equal(before[k], v) for k, v in generator.state_dict().items())


def test_refuses_weights_of_another_width(arrays):
    with pytest.raises(ValueError, match="misshapen"):
        load_tensorflow_generator(Generator(channels=16), arrays)


@torch.no_grad()
def test_swapping_red_and_blue_mirrors_the_network(arrays):
    """Trap 16: the authors' weights expect BGR."""
    vectors = Vectors("generator_cnum8_64x64", torch.float64)
    bgr = load_tensorflow_generator(Generator(channels=8), arrays).double()
    image, hole = vectors.image("x"), vectors.image("mask")
    expected = bgr(image, hole)
    got = swap_red_and_blue(bgr)(image.flip(1), hole)
    assert not torch.allclose(got.refined, expected.refined)
    torch.testing.assert_close(got.coarse.flip(1), expected.coarse)
    torch.testing.assert_close(got.refined.flip(1), expected.refined)
