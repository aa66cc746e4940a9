"""Colour an attention map: hue is the direction, saturation the distance, white is itself."""

import math
import sys
from functools import cache

import torch
from torch import Tensor

#: Steps between the wheel's six corner colours (Baker et al., IJCV 2011, the optical-flow wheel).
_SEGMENTS = (
    (15, (255, 0, 0), (255, 255, 0)),
    (6, (255, 255, 0), (0, 255, 0)),
    (4, (0, 255, 0), (0, 255, 255)),
    (11, (0, 255, 255), (0, 0, 255)),
    (13, (0, 0, 255), (255, 0, 255)),
    (6, (255, 0, 255), (255, 0, 0)),
)


@cache
def colour_wheel() -> Tensor:
    """The 55 colours of the optical-flow wheel: ``(55, 3)``, float64, whole numbers in 0..255."""
    colours = []
    for steps, start, stop in _SEGMENTS:
        first, last = torch.tensor([start, stop], dtype=torch.float64)
        for step in range(steps):
            colours.append(first + (last - first).sign() * math.floor(255 * step / steps))
    return torch.stack(colours)


def flow_to_colour(offsets: Tensor) -> Tensor:
    """Colour-code offsets as the authors' pictures do (figures 5 and 8 of the paper).

    Each picture's longest offset is saturated. The authors' code scales picture ``i`` of a batch by
    the longest of pictures ``0..i`` instead, which is the same for one picture at a time.

    ``(N, 2, h, w)``, rows then columns, of any number type, to ``(N, 3, h, w)``, float32 RGB in
    ``[-1, 1]``; white where the offset is zero.
    """
    rows, columns = offsets.detach().cpu().double().unbind(1)
    radius = torch.sqrt(rows**2 + columns**2)
    longest = radius.flatten(1).amax(1)[:, None, None] + sys.float_info.epsilon
    colour = _colour(rows / longest, columns / longest)
    return (colour / 127.5 - 1).permute(0, 3, 1, 2).float().to(offsets.device)


def wheel_legend(size: int) -> Tensor:
    """The legend to lay beside a coloured map: ``(3, size, size)`` in ``[-1, 1]``.

    A pixel shows the colour of the offset that points from the centre to it; corners are white.
    """
    axis = torch.linspace(-1, 1, size, dtype=torch.float64)
    rows, columns = torch.meshgrid(axis, axis, indexing="ij")
    colour = _colour(rows, columns)
    colour[rows**2 + columns**2 > 1] = 255.0
    return (colour / 127.5 - 1).permute(2, 0, 1).float()


def _colour(rows: Tensor, columns: Tensor) -> Tensor:
    """Colours 0..255, whole numbers, of offsets at most one long, with a last axis of 3."""
    wheel = colour_wheel() / 255
    radius = torch.sqrt(rows**2 + columns**2)
    angle = torch.atan2(-columns, -rows) / math.pi
    position = (angle + 1) / 2 * (len(wheel) - 1)
    low = position.floor().long()
    fraction = (position - low)[..., None]
    colour = (1 - fraction) * wheel[low] + fraction * wheel[(low + 1) % len(wheel)]
    return torch.floor(255 * (1 - radius[..., None] * (1 - colour)))
