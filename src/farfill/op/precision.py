"""Where half precision must not reach."""

from __future__ import annotations

import torch
from torch import Tensor


def full_precision(like: Tensor) -> torch.autocast:
    """Switch mixed precision off on the device of ``like``; its inputs are for the caller to cast.

    Positions would be rounded to whole pixels in bfloat16, and critics stall or overflow.
    """
    return torch.autocast(like.device.type, enabled=False)


def product_type(like: Tensor) -> torch.dtype:
    """The type to multiply matrices in: that of ``like``, or of mixed precision if it is on."""
    device = like.device.type
    if torch.is_autocast_enabled(device) and like.dtype != torch.float64:
        return torch.get_autocast_dtype(device)
    return like.dtype
