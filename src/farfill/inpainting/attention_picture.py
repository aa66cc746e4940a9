"""Show where each place of a picture borrowed from."""

from __future__ import annotations

import numpy as np

from farfill.image.contact_sheet import to_uint8
from farfill.inpainting.fill import Filled
from farfill.op.colour import flow_to_colour


def attention_picture(filled: Filled) -> np.ndarray:
    """Colour the offsets at the size of the picture, each cell of the grid one flat patch.

    Returns:
        ``(H, W, 3)``, uint8 RGB; colours as in :func:`farfill.op.colour.flow_to_colour`.

    Raises:
        ValueError: If the generator's attention has no notion of a source.
    """
    if filled.offsets is None:
        raise ValueError("this checkpoint's network does not say where it borrows: attention=null")
    colours = to_uint8(flow_to_colour(filled.offsets)[0])
    height, width = filled.image.shape[:2]
    rows = _cells(height, filled.seen[0], colours.shape[0])
    columns = _cells(width, filled.seen[1], colours.shape[1])
    return colours[rows][:, columns]


def _cells(full: int, seen: int, cells: int) -> np.ndarray:
    """The cell of each of ``full`` pixels along one side, of which the network saw ``seen``."""
    padded = seen + -seen % 8
    return np.arange(full) * seen // full * cells // padded
