"""Convolutions as TensorFlow pads and initialises them, and one that enlarges as well."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def same_padding(size: int, kernel: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros TensorFlow's ``SAME`` puts before and after an axis of ``size``.

    For stride 2 and even sizes this is one-sided: (0, 1) for kernel 3 and (1, 2) for kernel 5.
    """
    reach = (kernel - 1) * dilation + 1
    total = max(0, (-(-size // stride) - 1) * stride + reach - size)
    return total // 2, total - total // 2


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's ``SAME`` padding, Glorot uniform weights and zero bias.

    Maps ``(N, in_channels, H, W)`` to ``(N, out_channels, ceil(H / stride), ceil(W / stride))``.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, dilation=dilation)

    def reset_parameters(self) -> None:
        """Initialise as ``tf.layers.conv2d`` does by default."""
        nn.init.xavier_uniform_(self.weight)
        if self.bias is not None:
            nn.init.zeros_(self.bias)

    def padding_of(self, height: int, width: int) -> list[tuple[int, int]]:
        """:func:`same_padding` of the rows and the columns of an input of this size."""
        axes = zip((height, width), self.kernel_size, self.stride, self.dilation, strict=True)
        return [same_padding(*axis) for axis in axes]

    def forward(self, input: Tensor) -> Tensor:
        """Convolve; padding that is the same on both sides is left to the kernel, a copy less."""
        (top, bottom), (left, right) = self.padding_of(*input.shape[-2:])
        padding = (top, left)
        if top != bottom or left != right:
            input, padding = F.pad(input, (left, right, top, bottom)), (0, 0)
        return F.conv2d(
            input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups
        )


class DoublingConv2d(SameConv2d):
    """Nearest-neighbour doubling and a 3 x 3 convolution, with 4/9 of the multiplications.

    The nine taps meet only 2 x 2 different pixels of the small map, which ones depends on whether
    the output's row and column are even or odd. So taps that meet the same pixel are added first,
    and four small convolutions run at the small size.

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

    ``(N, H + 1, W + 1, 2, 2, C)`` to ``(N, 2 H, 2 W, C)``.
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
