"""Run a stack of layers on a part of its output only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor, nn

from farfill.layer.convolution import SameConv2d, same_padding
from farfill.layer.doubling import DoublingConv2d

Size = tuple[int, int]


class Span(NamedTuple):
    """Rows or columns from ``start`` to ``stop``, which is not included."""

    start: int
    stop: int

    def within(self, size: int) -> Span:
        """What of it lies inside ``0`` to ``size``."""
        return Span(max(self.start, 0), min(self.stop, size))


class Window(NamedTuple):
    """A rectangle of a map."""

    rows: Span
    columns: Span

    @classmethod
    def whole(cls, size: Size) -> Window:
        """All of a map of this size."""
        return cls(Span(0, size[0]), Span(0, size[1]))

    def within(self, size: Size) -> Window:
        """What of it lies inside a map of this size."""
        return Window(self.rows.within(size[0]), self.columns.within(size[1]))


@dataclass(frozen=True)
class Part:
    """A rectangle cut out of a map.

    Attributes:
        values: ``(N, C, rows, columns)``.
        window: Where it lies in the map.
        size: Height and width of the map.
    """

    values: Tensor
    window: Window
    size: Size

    @classmethod
    def whole(cls, values: Tensor) -> Part:
        """The map itself."""
        size = (values.shape[-2], values.shape[-1])
        return cls(values, Window.whole(size), size)

    def cut(self, window: Window) -> Part:
        """A rectangle of this one."""
        (top, left), ((start, stop), (first, last)) = (span.start for span in self.window), window
        values = self.values[..., start - top : stop - top, first - left : last - left]
        return Part(values, window, self.size)


def run_part(layers: nn.Module, part: Part, window: Window) -> Part:
    """Compute a rectangle of what ``layers`` make of a map, and of each layer only what it needs.

    Args:
        layers: Convolutions of this package, nested in ``nn.Sequential``, and layers that treat
            every value by itself.
        part: Of their input; at least :func:`needed`.
        window: Of their output.

    Returns:
        The same values as in the whole output, up to rounding.

    Raises:
        ValueError: If a layer is of another kind.
    """
    stack = _flat(layers)
    windows, sizes = _plan(stack, window, part.size)
    for layer, given, wanted, size in zip(stack, windows, windows[1:], sizes[1:], strict=False):
        part = Part(_run(layer, part.cut(given), wanted), wanted, size)
    return part


def put(target: Tensor, part: Part) -> None:
    """Write a part to its place in the whole map, in place."""
    (top, bottom), (left, right) = part.window
    target[..., top:bottom, left:right] = part.values


def needed(layers: nn.Module, window: Window, size: Size) -> Window:
    """Which rectangle of an input of ``size`` has influence on a rectangle of the output."""
    return _plan(_flat(layers), window, size)[0][0]


def work(layers: nn.Module, window: Window, size: Size) -> float:
    """Multiplications that :func:`run_part` does for a window of the output."""
    stack = _flat(layers)
    windows, _ = _plan(stack, window, size)
    return float(sum(map(_work, stack, windows[1:])))


def _work(layer: nn.Module, window: Window) -> float:
    if not isinstance(layer, SameConv2d):
        return 0.0
    (top, bottom), (left, right) = window
    taps = layer.weight.numel() * (4 / 9 if isinstance(layer, DoublingConv2d) else 1)
    return taps * (bottom - top) * (right - left)


def _plan(stack: list[nn.Module], window: Window, size: Size) -> tuple[list[Window], list[Size]]:
    """Before the first layer and after each: the window that is needed, and the map's size."""
    sizes = [size]
    for layer in stack:
        height, width = sizes[-1]
        sizes.append((_size(layer, height), _size(layer, width)))
    windows = [window]
    for layer, given in zip(reversed(stack), reversed(sizes[:-1]), strict=True):
        windows.append(_reach(layer, windows[-1], given).within(given))
    return windows[::-1], sizes


def _flat(layers: nn.Module) -> list[nn.Module]:
    if isinstance(layers, nn.Sequential):
        return [layer for child in layers for layer in _flat(child)]
    if not isinstance(layers, (SameConv2d, nn.ELU, nn.ReLU, nn.Hardtanh)):
        raise ValueError(f"cannot run a part of {type(layers).__name__}")
    return [layers]


def _size(layer: nn.Module, size: int) -> int:
    if isinstance(layer, DoublingConv2d):
        return 2 * size
    return -(-size // layer.stride[0]) if isinstance(layer, SameConv2d) else size


def _reach(layer: nn.Module, window: Window, size: Size) -> Window:
    """The rectangle of a layer's input under a rectangle of its output, also beyond the edge."""
    if isinstance(layer, DoublingConv2d):
        return Window(*(Span(start // 2 - 1, (stop - 1) // 2 + 2) for start, stop in window))
    if not isinstance(layer, SameConv2d):
        return window
    stride, dilation, kernel = layer.stride[0], layer.dilation[0], layer.kernel_size[0]
    before = (same_padding(side, kernel, stride, dilation)[0] for side in size)
    return Window(
        *(
            Span(start * stride - lead, (stop - 1) * stride - lead + (kernel - 1) * dilation + 1)
            for (start, stop), lead in zip(window, before, strict=True)
        )
    )


def _run(layer: nn.Module, part: Part, wanted: Window) -> Tensor:
    if not isinstance(layer, SameConv2d):
        return layer(part.values)
    rows, columns = _reach(layer, wanted, part.size)
    (top, bottom), (left, right) = part.window
    padding = (left - columns.start, columns.stop - right, top - rows.start, rows.stop - bottom)
    values = F.pad(part.values, padding)
    if not isinstance(layer, DoublingConv2d):
        return F.conv2d(
            values, layer.weight, layer.bias, layer.stride, 0, layer.dilation, layer.groups
        )
    doubled = layer.interior(values)
    (top, bottom), (left, right) = wanted
    return doubled[..., top % 2 : top % 2 + bottom - top, left % 2 : left % 2 + right - left]
