"""OpenCV's inpainting on batches of tensors."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from torch import Tensor

from farfill.types import Batch


def inpaint(batch: Batch, radius: float, method: int) -> Tensor:
    """Fill each picture with ``cv2.inpaint``, in 8 bits as it demands.

    Args:
        batch: Only known pixels are shown to OpenCV; the rest of its picture is grey.
        radius: Neighbourhood of a pixel that is filled, in pixels.
        method: ``cv2.INPAINT_TELEA`` or ``cv2.INPAINT_NS``.

    Returns:
        ``(N, 3, H, W)``; known pixels are the input's, bit for bit (the 8 bits stay in the hole).
    """
    known = ((batch.masked + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
    holes = batch.hole[:, 0].byte()
    filled = [
        cv2.inpaint(picture, hole, radius, method)
        for picture, hole in zip(known.cpu().numpy(), holes.cpu().numpy(), strict=True)
    ]
    levels = torch.from_numpy(np.stack(filled)).permute(0, 3, 1, 2).to(batch.image)
    return torch.where(batch.hole.bool(), levels / 127.5 - 1, batch.image)
