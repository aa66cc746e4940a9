"""Telea's fast marching."""

import cv2

from farfill.baseline.opencv import OpenCVInpainter


class Telea(OpenCVInpainter):
    """Fill from the border inwards with weighted means of what is known (Telea 2004, OpenCV)."""

    method = cv2.INPAINT_TELEA
