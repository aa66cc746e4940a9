"""The transposed critic is the critic's gradient."""

from functools import partial

import pytest
import torch
from torch import nn

from farfill.critic.local_global import LocalGlobal, input_gradient
from farfill.critic.protocol import by_autograd
from farfill.gan.wgan_gp import gradient_penalty


@pytest.mark.parametrize("name", ["local", "global"])
@pytest.mark.parametrize("sizes", [(32, 16), (36, 19)])
def test_equals_differentiating_twice(name, sizes):
    torch.manual_seed(0)
    critics = LocalGlobal(4, *sizes).double()
    for parameter in critics.parameters():
        nn.init.normal_(parameter, std=0.2)
    side = sizes[0] if name == "global" else sizes[1]
    real, fake = torch.rand(2, 3, 3, side, side, dtype=torch.float64) * 2 - 1
    hole = (torch.rand(3, 1, side, side) > 0.5).double()
    alpha = torch.rand(3, 1, 1, 1, dtype=torch.float64)

    def score(picture):
        return critics({name: picture})[name]

    weights = [w for key, w in critics.critics[name].named_parameters() if "weight" in key]
    results = []
    for gradient_of in (partial(by_autograd, score), partial(critics.input_gradient, name)):
        penalty = gradient_penalty(gradient_of, real, fake, hole, alpha)
        results.append([penalty, *torch.autograd.grad(penalty, weights)])
    for plain, cheap in zip(*results, strict=True):
        assert plain.abs().max() > 0
        torch.testing.assert_close(cheap, plain, rtol=1e-10, atol=1e-12)


def test_in_half_precision_it_is_near_and_still_float32():
    torch.manual_seed(0)
    critics, picture = LocalGlobal(8, 32, 16), torch.rand(2, 3, 32, 32) * 2 - 1
    exact = critics.input_gradient("global", picture)
    with torch.autocast("cpu", torch.bfloat16):
        half = critics.input_gradient("global", picture)
        score = critics({"global": picture})["global"]
    assert half.dtype == score.dtype == torch.float32
    assert not torch.equal(half, exact)
    assert torch.cosine_similarity(half.flatten(), exact.flatten(), dim=0) > 0.995
    half.square().sum().backward()
    assert all(p.grad.isfinite().all() for p in critics.parameters() if p.grad is not None)


def test_a_layer_it_does_not_know_is_an_error():
    with pytest.raises(TypeError, match="does not know Sigmoid"):
        input_gradient(nn.Sequential(nn.Sigmoid()), torch.zeros(1, 3, 4, 4))
