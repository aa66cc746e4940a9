"""Enlarging and convolving in one step."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.layer.convolution import SameConv2d


class DoublingConv2d(SameConv2d):
    """Nearest-neighbour doubling and a 3 x 3 convolution, with 4/9 of the multiplications.

    The nine taps of the convolution meet only 2 x 2 different pixels of the small map, which ones
    depends on whether the row and the column of the output are even or odd. So taps that meet the
    same pixel are added first, and four small convolutions run at the small size.

    Maps ``(N, in_channels, H, W)`` to ``(N, out_channels, 2 H, 2 W)``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel=3)

    def forward(self, input: Tensor) -> Tensor:
        """Equal to doubling and :class:`SameConv2d`, up to rounding."""
        return self.interior(F.pad(input, (1, 1, 1, 1)))

    def interior(self, padded: Tensor) -> Tensor:
        """Do as :meth:`forward` with a map that has a border of one pixel already."""
        weight = _merged(_merged(self.weight, 2), 4)  # (out, in, row phase, 2, column phase, 2)
        weight = weight.permute(2, 4, 0, 1, 3, 5).flatten(0, 2)
        bias = None if self.bias is None else self.bias.repeat(4)
        phases = F.conv2d(padded, weight, bias).permute(0, 2, 3, 1)
        phases = phases.unflatten(-1, (2, 2, self.out_channels))
        height, width = (size - 2 for size in padded.shape[-2:])
        rows = [
            torch.stack(
                [phases[:, a : a + height, b : b + width, a, b] for b in range(2)], dim=3
            )
            for a in range(2)
        ]  # fmt: skip
        return torch.stack(rows, dim=2).flatten(3, 4).flatten(1, 2).permute(0, 3, 1, 2)


def _merged(weight: Tensor, dim: int) -> Tensor:
    """Add taps that meet the same small pixel: an axis of 3 becomes two, phase and tap, of 2."""
    first, middle, last = weight.unbind(dim)
    even = torch.stack([first, middle + last], dim=dim)
    odd = torch.stack([first + middle, last], dim=dim)
    return torch.stack([even, odd], dim=dim)
