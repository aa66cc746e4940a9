"""TensorFlow's nearest-neighbour resize with aligned corners, which PyTorch does not have."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def nearest_index(size: int, new_size: int) -> Tensor:
    r"""Say which of ``size`` samples each of ``new_size`` samples copies.

    .. math:: \mathrm{index}(i) = \min\big(\lfloor i\,\tfrac{s-1}{s'-1} + \tfrac12 \rfloor, s-1\big)

    The product is rounded to float32, as TensorFlow's kernel does: exact ties at ``k + 0.5`` then
    fall as they do there (they differ from exact arithmetic at a few sizes, 54 -> 27 the first).

    Returns:
        int64 tensor of length ``new_size`` with values in ``[0, size - 1]``.
    """
    if new_size == 1:
        return torch.zeros(1, dtype=torch.int64)
    scale = np.float32(size - 1) / np.float32(new_size - 1)
    position = np.arange(new_size, dtype=np.float32) * scale
    index = np.floor(position.astype(np.float64) + 0.5).astype(np.int64)
    return torch.from_numpy(np.minimum(index, size - 1))


def resize_nearest(tensor: Tensor, height: int, width: int) -> Tensor:
    """Resize the last two axes of ``tensor`` to ``(height, width)`` by :func:`nearest_index`."""
    rows = nearest_index(tensor.shape[-2], height).to(tensor.device)
    columns = nearest_index(tensor.shape[-1], width).to(tensor.device)
    return tensor.index_select(-2, rows).index_select(-1, columns)


def reduce_nearest(tensor: Tensor, rate: int) -> Tensor:
    """Make the last two axes ``rate`` times smaller (rounded up) by :func:`resize_nearest`.

    With ``rate = 1`` the tensor itself comes back.
    """
    if rate == 1:
        return tensor
    height, width = tensor.shape[-2:]
    return resize_nearest(tensor, -(-height // rate), -(-width // rate))
