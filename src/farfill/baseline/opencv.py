"""OpenCV's inpainting on batches of tensors."""

import cv2
import numpy as np
import torch
from torch import Tensor

from farfill.types import Batch


class OpenCVInpainter:
    """Fills each picture with ``cv2.inpaint``, in 8 bits as it demands.

    Args:
        radius: Neighbourhood of a pixel that is filled, in pixels.
    """

    method: int  # cv2.INPAINT_TELEA or cv2.INPAINT_NS

    def __init__(self, radius: float) -> None:
        self.radius = radius

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``; the 8 bits stay in the hole. OpenCV is shown known pixels only."""
        known = ((batch.masked + 1) * 127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1)
        holes = batch.hole[:, 0].byte()
        filled = [
            cv2.inpaint(picture, hole, self.radius, self.method)
            for picture, hole in zip(known.cpu().numpy(), holes.cpu().numpy(), strict=True)
        ]
        levels = torch.from_numpy(np.stack(filled)).permute(0, 3, 1, 2).to(batch.image)
        return torch.where(batch.hole.bool(), levels / 127.5 - 1, batch.image)
