"""Navier-Stokes inpainting."""

from __future__ import annotations

import cv2
from torch import Tensor

from farfill.baseline.opencv import inpaint
from farfill.types import Batch


class NavierStokes:
    """Continue lines of equal brightness into the hole like a flow (Bertalmio 2001, OpenCV)."""

    def __init__(self, radius: float) -> None:
        """Take the neighbourhood's radius in pixels."""
        self.radius = radius

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``, see :class:`farfill.baseline.protocol.Inpainter`."""
        return inpaint(batch, self.radius, cv2.INPAINT_NS)
