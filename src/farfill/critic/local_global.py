"""The paper's two critics: one sees the whole picture, the other the hole's patch."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.grad import conv2d_input

from farfill.critic.protocol import TwoViews, Views
from farfill.layer.convolution import SameConv2d


class LocalGlobal(TwoViews):
    """Global critic on the picture and local critic on the patch around the hole.

    Each: four convolutions (kernel 5, stride 2), leaky ReLU 0.2, no normalisation, and one linear
    score. With 64 channels, 256 px pictures and 128 px patches they have 2,733,441 and 4,339,329
    parameters, as in the authors' code.

    Args:
        channels: Width of the first layer (the paper's 64).
        image_size: Side of the pictures in pixels.
        patch_size: Side of the local patch in pixels.
    """

    def __init__(self, channels: int, image_size: int, patch_size: int) -> None:
        super().__init__(patch_size)
        self.critics = nn.ModuleDict(
            {
                "local": _critic([channels * k for k in (1, 2, 4, 8)], patch_size),
                "global": _critic([channels * k for k in (1, 2, 4, 4)], image_size),
            }
        )

    def forward(self, views: Views) -> Views:
        """Score every view: ``(N, 1)`` by critic, in the view's type."""
        return {name: self.critics[name](view).to(view) for name, view in views.items()}

    def input_gradient(self, name: str, view: Tensor) -> Tensor:
        """Do as by autograd, at less cost: see the function of this name."""
        return input_gradient(self.critics[name], view).to(view)


class ChannelsLastFlatten(nn.Module):
    """Flatten ``(N, C, H, W)`` as TensorFlow does, channels fastest; weights carry over as is."""

    def forward(self, features: Tensor) -> Tensor:
        """Return ``(N, H W C)``."""
        return features.permute(0, 2, 3, 1).flatten(1)


def _critic(widths: list[int], size: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, width in pairwise([3, *widths]):
        layers += [SameConv2d(before, width, 5, stride=2), nn.LeakyReLU(0.2)]
        size = -(-size // 2)
    score = nn.Linear(widths[-1] * size * size, 1)
    nn.init.xavier_uniform_(score.weight)
    nn.init.zeros_(score.bias)
    return nn.Sequential(*layers, ChannelsLastFlatten(), score)


def input_gradient(layers: nn.Module, picture: Tensor) -> Tensor:
    """Gradient of the summed scores, in the shape of ``picture``, differentiable in the weights.

    Convolutions, linear layers and leaky ReLUs are piecewise linear, so this gradient is the same
    weights transposed, in reverse order, times slopes that do not change. Differentiating it
    passes through the weights once; ``torch.autograd.grad(..., create_graph=True)`` gives the same
    numbers but then also sends zeros back through every layer, half as much work again.

    ``layers`` is a sequence of :class:`SameConv2d`, :class:`torch.nn.LeakyReLU`,
    :class:`ChannelsLastFlatten` and :class:`torch.nn.Linear` only (else ``TypeError``). No gradient
    flows into ``picture``, ``(N, C, H, W)``.
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
    """Gradient with respect to what went into a layer, from that of what came out."""
    match layer:
        case SameConv2d():
            height, width = before.shape[2:]
            (top, bottom), (left, right) = layer.padding_of(height, width)
            size = (*before.shape[:2], top + height + bottom, left + width + right)
            weight = layer.weight.to(gradient)  # this convolution is not one that autocast knows
            padded = conv2d_input(
                size, weight, gradient, layer.stride, 0, layer.dilation, layer.groups
            )
            return padded[..., top : top + height, left : left + width]
        case nn.LeakyReLU():
            slopes = torch.full_like(before, layer.negative_slope).masked_fill_(before > 0, 1)
            return gradient * slopes
        case ChannelsLastFlatten():
            n, channels, height, width = before.shape
            return gradient.view(n, height, width, channels).permute(0, 3, 1, 2)
        case nn.Linear():
            return gradient @ layer.weight
    raise TypeError(f"input_gradient does not know {type(layer).__name__}")
