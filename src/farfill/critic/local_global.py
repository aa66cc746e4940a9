"""The paper's two critics: one sees the whole picture, the other the hole's patch."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from farfill.critic.input_gradient import ChannelsLastFlatten, input_gradient
from farfill.critic.protocol import Views
from farfill.critic.two_views import TwoViews
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
        """Score every view: ``(N, 1)`` by critic."""
        return {name: self.critics[name](view) for name, view in views.items()}

    def input_gradient(self, name: str, view: Tensor) -> Tensor:
        """Gradient of one critic's summed scores with respect to its view; see the function."""
        return input_gradient(self.critics[name], view)


def _critic(widths: Sequence[int], size: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    channels = 3
    for width in widths:
        layers += [SameConv2d(channels, width, 5, stride=2), nn.LeakyReLU(0.2)]
        channels, size = width, -(-size // 2)
    return nn.Sequential(*layers, ChannelsLastFlatten(), _linear(channels * size * size))


def _linear(features: int) -> nn.Linear:
    linear = nn.Linear(features, 1)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
