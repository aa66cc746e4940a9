"""Where the fill of a hole was borrowed from: as an array, and as a picture."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from PIL import Image
from torch import Tensor

from farfill.image.contact_sheet import FONT, to_uint8
from farfill.image.hole import distance_to
from farfill.image.picture import full_level
from farfill.inpainting.crop import Crop
from farfill.inpainting.window import Size
from farfill.op.colour import flow_to_colour, wheel_legend

_FADED = 0.3  # what is left of the known region's contrast with white
_SMALLEST_KEY, _LARGEST_KEY = 64, 256  # side of the key's wheel in pixels


@dataclass(frozen=True)
class Attention:
    """Where each missing pixel borrowed from: the place with the most weight of many.

    Attributes:
        sources: ``(H, W, 2)``, int32: row and column in the picture; -1 where it is known.
        image: The filled picture, ``(H, W, 3)``, of any type that can be filled.
    """

    sources: np.ndarray
    image: np.ndarray

    def picture(self) -> Image.Image:
        """Colour each missing pixel by its source: hue is the direction, saturation the distance.

        What is known is faded, the hole has an outline, and the key stands at the right: a wheel
        whose rim is the farthest source, and how many pixels away that is.
        """
        hole = self.sources[..., 0] >= 0
        levels = self.image * (255 / full_level(self.image))
        canvas = (255 - (255 - levels) * _FADED).round().astype(np.uint8)
        moved = (self.sources[hole] - np.argwhere(hole)).T[None, :, None]  # a picture of one row
        canvas[hole] = to_uint8(flow_to_colour(torch.from_numpy(moved))[0])[0]
        thick = max(1, min(hole.shape) // 300)
        canvas[(distance_to(hole) <= thick) & ~hole] = 0
        farthest = np.hypot(*moved[0, :, 0]).max() if hole.any() else 0
        return Image.fromarray(_with_key(canvas, f"rim: {farthest:.0f} px"))


def _with_key(canvas: np.ndarray, text: str) -> np.ndarray:
    height, width = canvas.shape[:2]
    side = min(max(min(height, width) // 4, _SMALLEST_KEY), _LARGEST_KEY)
    margin = side // 8
    size = max(height, side + 4 * margin), width + side + 2 * margin
    page = np.full((*size, 3), 255, np.uint8)
    page[:height, :width] = canvas
    left = width + margin
    page[margin : margin + side, left : left + side] = to_uint8(wheel_legend(side))
    scale = 0.8 * side / cv2.getTextSize(text, FONT, 1.0, 1)[0][0]
    place = (left + side // 10, side + 3 * margin)
    cv2.putText(page, text, place, FONT, scale, (0, 0, 0), max(1, side // 100), cv2.LINE_AA)
    return page


def sources_of(
    crops: Sequence[Crop], offsets: Sequence[Tensor], seen: Sequence[Size], size: Size, cell: int
) -> np.ndarray:
    """Say in pixels of the picture where each missing one borrowed from.

    Args:
        crops: What was filled.
        offsets: Of each crop, ``(1, 2, h, w)`` on the grid of its attention (see
            :class:`farfill.types.AttentionResult`).
        seen: Height and width at which the generator saw each crop, before padding.
        size: Height and width of the picture.
        cell: Side of a place of the attention's grid, in pixels that the generator saw.

    Returns:
        ``(H, W, 2)``, int32: rows and columns; -1 where the picture is known.
    """
    sources = np.full((*size, 2), -1, np.int32)
    for crop, moves, seen_size in zip(crops, offsets, seen, strict=True):
        pixels = np.argwhere(crop.own)
        shape, sides = map(np.array, (crop.own.shape, seen_size))
        here = pixels * sides // shape // cell
        moved = moves[0].numpy()[:, here[:, 0], here[:, 1]].T * (cell * shape / sides)
        corner = [span.start for span in crop.window]
        found = np.clip(pixels + moved.round().astype(int), 0, shape - 1) + corner
        sources[tuple((pixels + corner).T)] = found
    return sources
