"""Pictures with holes, one address at a time."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import Dataset

from farfill.data.check import check_size
from farfill.datamodule.stream import Draw, Use, sequence
from farfill.datamodule.transform import augmentation, scale
from farfill.image.read import read_rgb
from farfill.mask.protocol import HoleSampler
from farfill.types import Batch


class InpaintingDataset(Dataset[Batch]):
    """Makes a sample of a :class:`~farfill.datamodule.stream.Draw` and the seed alone.

    Args:
        paths: Picture files; ``Draw.index`` and ``Batch.index`` count in this list.
        holes: Draws holes.
        image_size: Side of the square crop in pixels.
        resize: Shorter side of the picture before the crop; None = as is.
        seed: Of the run.
        train: Random crops, and random numbers of their own; else centre crops.
        flip: With ``train``, mirror left and right at random.
        cache: Keep pictures in memory once they are read and scaled.
        read: Gives a path's picture, ``(H, W, 3)`` uint8 RGB.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        holes: HoleSampler,
        image_size: int,
        resize: int | None,
        seed: int,
        train: bool,
        flip: bool,
        cache: bool,
        read: Callable[[Path], np.ndarray] = read_rgb,
    ) -> None:
        self.paths = list(paths)
        self.holes = holes
        self.image_size = image_size
        self.resize = resize
        self.seed = seed
        self.train = train
        self.read = read
        self.augment = augmentation(image_size, train, flip)
        self.cache: dict[int, np.ndarray] | None = {} if cache else None

    def __len__(self) -> int:
        """Number of pictures."""
        return len(self.paths)

    def __getitem__(self, draw: Draw) -> Batch:
        """Read, scale, crop and mirror a picture and draw its hole.

        Returns:
            A batch without the batch axis: image ``(3, S, S)``, hole and region ``(1, S, S)``,
            box ``(4,)``, index a scalar.

        Raises:
            PictureError: The picture cannot be read or is smaller than the crop.
            ValueError: No hole can be drawn.
        """
        picture = self._picture(draw.index)
        start = sequence(self.seed, Use.PICTURE, self.train, draw.epoch, draw.index)
        self.augment.set_random_seed(int(start.generate_state(1)[0]))
        pixels = self.augment(image=picture)["image"]
        rng = np.random.default_rng(sequence(self.seed, Use.HOLE, self.train, draw.hole))
        hole = self.holes(rng, self.image_size, self.image_size)
        return Batch(
            image=torch.from_numpy(pixels.transpose(2, 0, 1).copy()),
            hole=torch.from_numpy(hole.mask[None].astype(np.float32)),
            region=torch.from_numpy(hole.region[None].astype(np.float32)),
            box=torch.tensor(hole.box),
            index=torch.tensor(draw.index),
        )

    def _picture(self, index: int) -> np.ndarray:
        if self.cache is not None and index in self.cache:
            return self.cache[index]
        path = self.paths[index]
        picture = scale(self.read(path), self.resize)
        check_size(path, picture.shape[:2], self.image_size)
        if self.cache is not None:
            self.cache[index] = picture
        return picture
