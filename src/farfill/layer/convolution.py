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

    Doubling an axis and convolving it with taps (a, b, c) adds each pixel, times c, b + c, a + b
    and a, to four neighbours of the doubled axis: a transposed convolution, kernel 4, stride 2.

    Maps ``(N, in_channels, H, W)`` to ``(N, out_channels, 2 H, 2 W)``.
    """

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__(in_channels, out_channels, kernel=3)

    def forward(self, input: Tensor) -> Tensor:
        """Equal to doubling and :class:`SameConv2d`, up to rounding."""
        return self._doubled(input, border=0)

    def interior(self, padded: Tensor) -> Tensor:
        """Do as :meth:`forward` with a map that has a border of one pixel already."""
        return self._doubled(padded, border=1)

    def _doubled(self, input: Tensor, border: int) -> Tensor:
        weight = _spread(_spread(self.weight, 2), 3).transpose(0, 1)
        return F.conv_transpose2d(input, weight, self.bias, stride=2, padding=1 + 2 * border)


def _spread(weight: Tensor, dim: int) -> Tensor:
    """What a pixel of the small map adds to the four that it reaches: an axis of 3 becomes 4."""
    first, middle, last = weight.unbind(dim)
    return torch.stack([last, middle + last, first + middle, first], dim=dim)
