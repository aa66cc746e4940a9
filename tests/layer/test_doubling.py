"""Doubling and convolution in one step."""

import torch
import torch.nn.functional as F
import torch.utils.flop_counter

from farfill.layer.convolution import DoublingConv2d


def two_steps(layer: DoublingConv2d, features: torch.Tensor) -> torch.Tensor:
    large = F.interpolate(features, scale_factor=2, mode="nearest")
    return F.conv2d(large, layer.weight, layer.bias, padding=1)


def test_equals_doubling_and_then_the_convolution(dtype):
    layer = DoublingConv2d(3, 5).to(dtype)
    torch.nn.init.normal_(layer.bias)
    for size in ((1, 1), (4, 7), (6, 3)):
        features = torch.randn(2, 3, *size, dtype=dtype)
        torch.testing.assert_close(layer(features), two_steps(layer, features))
        last = features.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():  # interleaves in another way
            for given in (features, last):
                torch.testing.assert_close(layer(given), two_steps(layer, features))


def test_gradients_are_those_of_the_two_steps():
    layer = DoublingConv2d(2, 3).double()
    features = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    inputs = (features, layer.weight, layer.bias)
    upstream = torch.randn(1, 3, 8, 10, dtype=torch.float64)
    ours = torch.autograd.grad(layer(features), inputs, upstream)
    theirs = torch.autograd.grad(two_steps(layer, features), inputs, upstream)
    torch.testing.assert_close(ours, theirs)


def test_it_multiplies_at_the_small_size():
    """The saving is real only if no convolution sees the doubled map."""
    layer, features = DoublingConv2d(4, 6), torch.randn(1, 4, 8, 8)
    with torch.utils.flop_counter.FlopCounterMode(display=False) as ours:
        layer(features)
    with torch.utils.flop_counter.FlopCounterMode(display=False) as theirs:
        two_steps(layer, features)
    assert ours.get_total_flops() < 0.6 * theirs.get_total_flops()
