"""Pictures with holes, one address at a time."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # else importing it asks the network

import albumentations as A
import cv2
import numpy as np
import torch
from torch.utils.data import Dataset

from farfill.data.check import check_size
from farfill.datamodule.stream import Draw, Use, sequence
from farfill.image.read import read_rgb
from farfill.mask.protocol import HoleSampler
from farfill.text import one_line
from farfill.types import Batch


@dataclass(eq=False, repr=False)
class InpaintingDataset(Dataset[Batch]):
    """Makes a sample of a :class:`~farfill.datamodule.stream.Draw` and the seed alone.

    What is not named here is as :class:`~farfill.datamodule.inpainting.InpaintingData` has it.

    Attributes:
        paths: Picture files, one for every sample of a pass, so that one may come several times;
            ``Draw.index`` and ``Batch.index`` count in this list.
        resize: Shorter side of the picture before the crop; None = as is.
        shrink: Whether a larger picture is scaled down to it.
        train: Random crops, and random numbers of their own; else centre crops.
        cache: Keep pictures in memory once they are read and scaled.
        read: Gives a path's picture, ``(H, W, 3)`` uint8 RGB.
    """

    paths: Sequence[Path]
    holes: HoleSampler
    image_size: int
    resize: int | None
    seed: int
    train: bool
    flip: bool
    cache: bool
    read: Callable[[Path], np.ndarray] = read_rgb
    augment: Sequence[A.BasicTransform] = ()
    shrink: bool = True

    def __post_init__(self) -> None:
        more = self.augment if self.train else ()
        self._augment = augmentation(self.image_size, self.train, self.flip, more)
        self._cached: dict[Path, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, draw: Draw) -> Batch:
        """Read, scale, crop and mirror a picture and draw its hole: a batch without its axis.

        Raises:
            PictureError: The picture cannot be read or is smaller than the crop.
            ValueError: No hole can be drawn.
        """
        path = self.paths[draw.index]
        picture = self._cached.get(path)
        if picture is None:
            picture = scale(self.read(path), self.resize, self.shrink)
            check_size(path, picture.shape[:2], self.image_size)
            if self.cache:
                self._cached[path] = picture
        start = sequence(self.seed, Use.PICTURE, self.train, draw.epoch, draw.index)
        self._augment.set_random_seed(int(start.generate_state(1)[0]))
        pixels = self._augment(image=picture)["image"]
        rng = np.random.default_rng(sequence(self.seed, Use.HOLE, self.train, draw.hole))
        hole = self.holes(rng, self.image_size, self.image_size)
        return Batch(
            image=torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            hole=torch.from_numpy(hole.mask[None].astype(np.float32)),
            region=torch.from_numpy(hole.region[None].astype(np.float32)),
            box=torch.tensor(hole.box),
            index=torch.tensor(draw.index),
        )


def scale(picture: np.ndarray, shorter: int | None, shrink: bool = True) -> np.ndarray:
    """Scale ``(H, W, 3)`` uint8 until its shorter side has ``shorter`` pixels; None = as is.

    Without ``shrink`` a larger one stays as it is.

    Cubic upwards; downwards the mean over areas, because every other kernel aliases there.
    """
    if shorter is None or (not shrink and min(picture.shape[:2]) > shorter):
        return picture
    resize = A.SmallestMaxSize(shorter, interpolation=cv2.INTER_CUBIC, area_for_downscale="image")
    return resize(image=picture)["image"]


def augmentation(
    side: int, random: bool, flip: bool, more: Sequence[A.BasicTransform] = ()
) -> A.Compose:
    """Do ``more``, crop to ``side`` x ``side`` and map 0 ... 255 to [-1, 1] as float32.

    With ``random``, crop anywhere and, with ``flip``, mirror left and right half of the time; else
    crop the centre. Call ``set_random_seed`` before every picture: it draws from a random state of
    its own, so that else worker processes repeat each epoch's draws in the next.

    Raises:
        ValueError: ``more`` cannot be done, or leaves less than the crop.
    """
    crop = A.RandomCrop(side, side) if random else A.CenterCrop(side, side)
    mirror = A.HorizontalFlip(p=0.5 if random and flip else 0)
    half = (0.5, 0.5, 0.5)
    last = [crop, mirror, A.Normalize(mean=half, std=half, max_pixel_value=255)]
    compose = A.Compose([*more, *last])
    if more:
        try:
            compose(image=np.full((side, side, 3), 128, np.uint8))
        except Exception as error:  # whatever a transform does not like
            raise ValueError(
                f"datamodule.augment does not make pictures for a crop of {side} x {side} "
                f"({one_line(str(error))})"
            ) from error
    return compose
