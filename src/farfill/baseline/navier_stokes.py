"""Navier-Stokes inpainting."""

import cv2

from farfill.baseline.opencv import OpenCVInpainter


class NavierStokes(OpenCVInpainter):
    """Continue lines of equal brightness into the hole like a flow (Bertalmio 2001, OpenCV)."""

    method = cv2.INPAINT_NS
