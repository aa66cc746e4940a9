"""The building blocks both stages of the generator are stacked from."""

from __future__ import annotations

from torch import nn

from farfill.layer.convolution import SameConv2d
from farfill.layer.doubling import DoublingConv2d


def conv_elu(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    """Convolution and ELU, the authors' standard layer."""
    convolution = SameConv2d(in_channels, out_channels, kernel, stride, dilation)
    return nn.Sequential(convolution, nn.ELU(inplace=True))


def dilated(channels: int) -> nn.Sequential:
    """Four layers with dilations 2, 4, 8 and 16: the wide view of both stages."""
    return nn.Sequential(*(conv_elu(channels, channels, dilation=d) for d in (2, 4, 8, 16)))


def decoder(in_channels: int, channels: int) -> nn.Sequential:
    """From a quarter of the resolution back to a picture, clipped to ``[-1, 1]``.

    Maps ``(N, in_channels, H / 4, W / 4)`` to ``(N, 3, H, W)``; ``channels`` is the width of the
    generator, of which the last hidden layer has half.
    """
    return nn.Sequential(
        conv_elu(in_channels, 4 * channels),
        conv_elu(4 * channels, 4 * channels),
        _doubled(4 * channels, 2 * channels),
        conv_elu(2 * channels, 2 * channels),
        _doubled(2 * channels, channels),
        conv_elu(channels, channels // 2),
        SameConv2d(channels // 2, 3, 3),
        nn.Hardtanh(),
    )


def _doubled(in_channels: int, out_channels: int) -> nn.Sequential:
    """Nearest-neighbour doubling, convolution and ELU."""
    return nn.Sequential(DoublingConv2d(in_channels, out_channels), nn.ELU(inplace=True))
