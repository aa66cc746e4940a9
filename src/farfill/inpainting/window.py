"""Which rectangles of a picture have to be predicted, and how to run layers on those only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
import torch.nn.functional as F
from torch import Tensor, nn

from farfill.layer.convolution import DoublingConv2d, SameConv2d, same_padding

Size = tuple[int, int]

_CELL = 32  # pixels; holes nearer than this are one from the start


class Span(NamedTuple):
    """Rows or columns from ``start`` to ``stop``, which is not included."""

    start: int
    stop: int

    @property
    def length(self) -> int:
        """How many."""
        return self.stop - self.start


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
        return Window(
            *(Span(max(a, 0), min(b, side)) for (a, b), side in zip(self, size, strict=True))
        )

    @property
    def area(self) -> int:
        """Number of its pixels."""
        return self.rows.length * self.columns.length


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


def cover(hole: np.ndarray, work: Callable[[Window], float]) -> list[Window]:
    """Cover the hole with rectangles that cost little together.

    Starts with the bounding box of each separate hole and joins two for as long as that saves
    work: what neighbouring boxes need of the picture overlaps.

    Args:
        hole: ``(H, W)``, bool, not empty.
        work: What a rectangle costs.

    Returns:
        Rectangles inside the picture that cover the hole.
    """
    boxes = {box: work(box) for box in _bounding_boxes(hole)}
    while len(boxes) > 1:
        pairs = [(a, b) for a in boxes for b in boxes if a < b]
        saving, pair = max((boxes[a] + boxes[b] - work(_join(a, b)), (a, b)) for a, b in pairs)
        if saving <= 0:
            break
        joined = _join(*pair)
        boxes = {box: cost for box, cost in boxes.items() if box not in pair}
        boxes[joined] = work(joined)
    return sorted(boxes)


def _bounding_boxes(hole: np.ndarray) -> list[Window]:
    height, width = hole.shape
    cells = np.pad(hole.astype(np.uint8), ((0, -height % _CELL), (0, -width % _CELL)))
    cells = cells.reshape(-(-height // _CELL), _CELL, -(-width // _CELL), _CELL).max(axis=(1, 3))
    count, labels = cv2.connectedComponents(cells, connectivity=8)
    piece = labels.repeat(_CELL, 0).repeat(_CELL, 1)[:height, :width] * hole
    boxes = []
    for label in range(1, count):
        places = (np.flatnonzero((piece == label).any(axis)) for axis in (1, 0))
        boxes.append(Window(*(Span(int(place[0]), int(place[-1]) + 1) for place in places)))
    return boxes


def _join(one: Window, other: Window) -> Window:
    return Window(
        *(Span(min(a.start, b.start), max(a.stop, b.stop)) for a, b in zip(one, other, strict=True))
    )


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
    return float(sum(map(_multiplications, stack, windows[1:])))


def _multiplications(layer: nn.Module, window: Window) -> float:
    if not isinstance(layer, SameConv2d):
        return 0.0
    return layer.weight.numel() * (4 / 9 if isinstance(layer, DoublingConv2d) else 1) * window.area


def _plan(stack: list[nn.Module], window: Window, size: Size) -> tuple[list[Window], list[Size]]:
    """Before the first layer and after each: the window that is needed, and the map's size."""
    sizes = [size]
    for layer in stack:
        height, width = sizes[-1]
        sizes.append((_output_side(layer, height), _output_side(layer, width)))
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


def _output_side(layer: nn.Module, side: int) -> int:
    if isinstance(layer, DoublingConv2d):
        return 2 * side
    return -(-side // layer.stride[0]) if isinstance(layer, SameConv2d) else side


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
