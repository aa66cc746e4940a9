"""The gradient of a critic's score with respect to the picture, as a network of its own."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from farfill.layer.convolution import SameConv2d, same_padding


class ChannelsLastFlatten(nn.Module):
    """Flatten ``(N, C, H, W)`` as TensorFlow does, channels fastest; weights carry over as is."""

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, H W C)``."""
        return features.permute(0, 2, 3, 1).flatten(1)


def input_gradient(layers: nn.Module, picture: Tensor) -> Tensor:
    """Gradient of the summed scores, in the shape of ``picture``, differentiable in the weights.

    Convolutions, linear layers and leaky ReLUs are piecewise linear, so this gradient is the same
    weights transposed, in reverse order, times slopes that do not change. Differentiating it
    passes through the weights once; ``torch.autograd.grad(..., create_graph=True)`` gives the same
    numbers but then also sends zeros back through every layer, half as much work again.

    Args:
        layers: A sequence of :class:`SameConv2d`, :class:`torch.nn.LeakyReLU`,
            :class:`ChannelsLastFlatten` and :class:`torch.nn.Linear` only.
        picture: ``(N, C, H, W)``; no gradient flows into it.

    Raises:
        TypeError: For any other layer.
    """
    sequence = tuple(layers.children())
    inputs = []
    with torch.no_grad():
        for layer in sequence:
            inputs.append(picture)
            picture = layer(picture)
    gradient = torch.ones_like(picture)
    for layer, before in zip(reversed(sequence), reversed(inputs), strict=True):
        gradient = _transposed(layer, before, gradient)
    return gradient


def _transposed(layer: nn.Module, before: Tensor, gradient: Tensor) -> Tensor:
    match layer:
        case SameConv2d():
            return _transposed_convolution(layer, before, gradient)
        case nn.LeakyReLU():
            return torch.where(before > 0, gradient, layer.negative_slope * gradient)
        case ChannelsLastFlatten():
            n, channels, height, width = before.shape
            return gradient.view(n, height, width, channels).permute(0, 3, 1, 2)
        case nn.Linear():
            return gradient @ layer.weight
    raise TypeError(f"input_gradient does not know {type(layer).__name__}")


def _transposed_convolution(layer: SameConv2d, before: Tensor, gradient: Tensor) -> Tensor:
    n, channels, height, width = before.shape
    (top, bottom), (left, right) = (
        same_padding(size, kernel, stride, dilation)
        for size, kernel, stride, dilation in zip(
            (height, width), layer.kernel_size, layer.stride, layer.dilation, strict=True
        )
    )
    padded = conv2d_input(
        (n, channels, top + height + bottom, left + width + right),
        layer.weight, gradient, layer.stride, 0, layer.dilation, layer.groups,
    )  # fmt: skip
    return padded[..., top : top + height, left : left + width]
