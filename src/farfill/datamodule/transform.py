"""What albumentations does to a picture: scale, crop, mirror, normalise."""

import os

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else importing it asks the network

import albumentations as A
import cv2
import numpy as np


def scale(picture: np.ndarray, shorter: int | None) -> np.ndarray:
    """Scale ``(H, W, 3)`` uint8 until its shorter side has ``shorter`` pixels; None = as is.

    Cubic upwards; downwards the mean over areas, because every other kernel aliases there.
    """
    if shorter is None:
        return picture
    resize = A.SmallestMaxSize(
        shorter, interpolation=cv2.INTER_CUBIC, area_for_downscale="image", p=1
    )
    return resize(image=picture)["image"]


def augmentation(side: int, random: bool, flip: bool) -> A.Compose:
    """Crop to ``side`` x ``side``, mirror, and map 0 ... 255 to [-1, 1] as float32.

    It draws from its own random state: call ``set_random_seed`` before every picture, or worker
    processes repeat each epoch's draws in the next.

    Args:
        side: Of the crop, in pixels; the picture must not be smaller.
        random: Crop anywhere and, with ``flip``, mirror left and right half of the time; else
            crop the centre and do not mirror.
        flip: See ``random``.
    """
    crop = A.RandomCrop(side, side) if random else A.CenterCrop(side, side)
    half = (0.5, 0.5, 0.5)
    return A.Compose(
        [
            crop,
            A.HorizontalFlip(p=0.5 if random and flip else 0),
            A.Normalize(mean=half, std=half, max_pixel_value=255),
        ]
    )
