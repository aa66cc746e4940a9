"""Holes of boxes: top, left, height and width."""

import numpy as np
import torch
from torch import Tensor

Box = tuple[int, int, int, int]


def hole_of(height: int, width: int, *boxes: Box) -> np.ndarray:
    """``(height, width)`` of bool: one hole of several boxes."""
    hole = np.zeros((height, width), bool)
    for top, left, tall, wide in boxes:
        hole[top : top + tall, left : left + wide] = True
    return hole


def box_holes(height: int, width: int, *boxes: Box, dtype: torch.dtype = torch.float32) -> Tensor:
    """``(N, 1, height, width)``, 1 is missing: a hole per box."""
    holes = np.stack([hole_of(height, width, box) for box in boxes])
    return torch.from_numpy(holes)[:, None].to(dtype)
