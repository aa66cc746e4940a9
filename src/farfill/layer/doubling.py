"""Enlarging and convolving in one step."""

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
        return _interleaved(phases.unflatten(-1, (2, 2, self.out_channels))).permute(0, 3, 1, 2)


def _interleaved(phases: Tensor) -> Tensor:
    """Put pixel ``(y + a, x + b)`` of phase ``(a, b)`` at ``(2 y + a, 2 x + b)``.

    Args:
        phases: ``(N, H + 1, W + 1, 2, 2, C)``.

    Returns:
        ``(N, 2 H, 2 W, C)``.
    """
    n, height, width = phases.shape[0], phases.shape[1] - 1, phases.shape[2] - 1
    if torch.is_grad_enabled():
        rows = [
            torch.stack([phases[:, a : a + height, b : b + width, a, b] for b in range(2)], dim=3)
            for a in range(2)
        ]
        return torch.stack(rows, dim=2).flatten(3, 4).flatten(1, 2)
    # The same by one copy instead of two; its gradient would be slow.
    sample, row, column, odd_row, odd_column, channel = phases.stride()
    view = phases.as_strided(
        (n, height, 2, width, 2, phases.shape[-1]),
        (sample, row, row + odd_row, column, column + odd_column, channel),
    )
    return view.flatten(3, 4).flatten(1, 2)


def _merged(weight: Tensor, dim: int) -> Tensor:
    """Add taps that meet the same small pixel: an axis of 3 becomes two, phase and tap, of 2."""
    first, middle, last = weight.unbind(dim)
    even = torch.stack([first, middle + last], dim=dim)
    odd = torch.stack([first + middle, last], dim=dim)
    return torch.stack([even, odd], dim=dim)
