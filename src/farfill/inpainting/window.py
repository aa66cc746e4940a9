"""Which rectangles of a picture have to be predicted, and how to run layers on those only."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch.nn.functional as F
from scipy import ndimage
from torch import Tensor, nn

from farfill.layer.convolution import DoublingConv2d, SameConv2d, same_padding

Size = tuple[int, int]

_CELL = 32  # pixels; holes nearer than this are one from the start


class Span(NamedTuple):
    """Rows or columns from ``start`` to ``stop``, which is not included."""

    start: int
    stop: int


class Window(NamedTuple):
    """A rectangle of a map."""

    rows: Span
    columns: Span

    @classmethod
    def whole(cls, size: Size) -> Window:
        """All of a map of this size."""
        return cls(Span(0, size[0]), Span(0, size[1]))


@dataclass(frozen=True)
class Part:
    """A rectangle cut out of a map."""

    values: Tensor  # (N, C, rows, columns)
    window: Window  # where it lies in the map
    size: Size  # height and width of the map

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


def cover(hole: np.ndarray, work: Callable[[Window], float]) -> list[Window]:
    """Cover the hole, ``(H, W)`` of bool, with rectangles that cost little together.

    Starts with the bounding box of each separate hole: what neighbouring boxes need of the picture
    overlaps, so that to join them may save work.
    """
    return sorted(merge(separate(hole)[1], work))


def separate(hole: np.ndarray) -> tuple[np.ndarray, list[Window]]:
    """Tell holes that are far apart from each other.

    Returns:
        ``(H, W)``, the number of the hole that a missing pixel belongs to, counted from 1, and 0
        where it is known; and the bounding box of each.
    """
    height, width = hole.shape
    padded = np.pad(hole, ((0, -height % _CELL), (0, -width % _CELL)))
    cells = padded.reshape(-(-height // _CELL), _CELL, -(-width // _CELL), _CELL)
    labels, _ = ndimage.label(cells.any(axis=(1, 3)), np.ones((3, 3)))
    pieces = labels.repeat(_CELL, 0).repeat(_CELL, 1)[:height, :width] * hole
    found = ndimage.find_objects(pieces)
    return pieces, [Window(*(Span(side.start, side.stop) for side in box)) for box in found]


def merge(boxes: Sequence[Window], work: Callable[[Window], float]) -> dict[Window, list[int]]:
    """Join rectangles for as long as that makes no more work; what is endless work never joins.

    Returns:
        Each rectangle in the end, and the places in ``boxes`` of those that it holds.
    """
    merged: dict[Window, list[int]] = {}
    for number, box in enumerate(boxes):
        members = [number]
        while (other := _partner(box, merged, work)) is not None:
            members += merged.pop(other)
            box = _join(box, other)
        merged[box] = members
    return merged


def _partner(
    box: Window, others: Iterable[Window], work: Callable[[Window], float]
) -> Window | None:
    own = work(box)
    for other in others:
        if other == box or work(_join(box, other)) <= min(own + work(other), sys.float_info.max):
            return other
    return None


def _join(one: Window, other: Window) -> Window:
    return Window(
        *(Span(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    )


def run_part(layers: nn.Module, part: Part, window: Window) -> Part:
    """Compute a window of what ``layers`` make of a map, and of each layer only what it needs.

    ``layers`` are convolutions of this package, nested in ``nn.Sequential``, and layers that treat
    every value by itself (else ``ValueError``); ``part``, of their input, is at least
    :func:`needed`. The values are those of the whole output, up to rounding.
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
    stack, total = _flat(layers), 0.0
    for layer, part in zip(stack, _plan(stack, window, size)[0][1:], strict=True):
        if isinstance(layer, SameConv2d):
            taps = layer.weight.numel() * (4 / 9 if isinstance(layer, DoublingConv2d) else 1)
            (top, bottom), (left, right) = part
            total += taps * (bottom - top) * (right - left)
    return total


def _plan(stack: list[nn.Module], window: Window, size: Size) -> tuple[list[Window], list[Size]]:
    """Before the first layer and after each: the window that is needed, and the map's size."""
    sizes = [size]
    for layer in stack:
        height, width = sizes[-1]
        sizes.append((_output_side(layer, height), _output_side(layer, width)))
    windows = [window]
    for layer, given in zip(reversed(stack), reversed(sizes[:-1]), strict=True):
        reached = zip(map(_reach, [layer] * 2, windows[-1], given), given, strict=True)
        windows.append(Window(*(Span(max(a, 0), min(b, side)) for (a, b), side in reached)))
    return windows[::-1], sizes


def _flat(layers: nn.Module) -> list[nn.Module]:
    if isinstance(layers, nn.Sequential):
        return [layer for child in layers for layer in _flat(child)]
    if not isinstance(layers, (SameConv2d, nn.ELU, nn.ReLU, nn.Hardtanh)):
        raise ValueError(f"cannot run a part of {type(layers).__name__}")
    return [layers]


def _output_side(layer: nn.Module, side: int) -> int:
    if isinstance(layer, DoublingConv2d):
        return 2 * side
    return -(-side // layer.stride[0]) if isinstance(layer, SameConv2d) else side


def _reach(layer: nn.Module, span: Span, side: int) -> Span:
    """Rows of a layer's input, of ``side`` rows, under rows of its output; also beyond the edge."""
    if isinstance(layer, DoublingConv2d):
        return Span(span.start // 2 - 1, (span.stop - 1) // 2 + 2)
    if not isinstance(layer, SameConv2d):
        return span
    stride, dilation, kernel = layer.stride[0], layer.dilation[0], layer.kernel_size[0]
    lead = same_padding(side, kernel, stride, dilation)[0]
    last = (span.stop - 1) * stride - lead + (kernel - 1) * dilation
    return Span(span.start * stride - lead, last + 1)


def _run(layer: nn.Module, part: Part, wanted: Window) -> Tensor:
    if not isinstance(layer, SameConv2d):
        return layer(part.values)
    rows, columns = map(_reach, [layer] * 2, wanted, part.size)
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
