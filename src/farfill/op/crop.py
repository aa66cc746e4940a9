"""Cut a patch of one size out of every picture of a batch, each at its own place."""

from __future__ import annotations

import torch
from torch import Tensor


def local_patch(image: Tensor, box: Tensor, height: int, width: int) -> Tensor:
    """Crop ``(N, C, H, W)`` to ``(N, C, height, width)``; differentiable in ``image``.

    Args:
        image: Pictures or holes.
        box: ``(N, 4)`` or ``(1, 4)``, int64 ``(top, left, height, width)``; only top and left are
            read, because a batch needs one size.
        height: Height of the patch in pixels.
        width: Width of the patch in pixels.
    """
    n, channels, _, columns = image.shape
    rows = box[:, 0, None] + torch.arange(height, device=box.device)
    cols = box[:, 1, None] + torch.arange(width, device=box.device)
    flat = (rows[:, :, None] * columns + cols[:, None, :]).flatten(1)
    flat = flat[:, None].expand(n, channels, -1)
    return image.flatten(2).gather(2, flat).view(n, channels, height, width)
