"""Pictures tiled with a part of a photograph, so that every hole's content stands elsewhere."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import cv2
import numpy as np

from farfill.data.generated import Generated, Scene, torus
from farfill.data.listing import names_of
from farfill.data.protocol import Source, Split
from farfill.image.read import read_rgb


@dataclass
class Textures(Generated):
    """Each picture repeats one part of a real picture in both directions, like a wallpaper.

    The part, its size, the periods and the phases are drawn from (seed, number) alone. Training
    and validation tile their own sides of ``pictures``, whose files they take in turn. A path is a
    name such as ``chelsea-000012``. The content is the place on the torus, see
    :func:`~farfill.data.generated.torus`.

    Attributes:
        pictures: Real ones, of textures or of anything; scaled by nothing but the tiling, whatever
            their ``resize``.
        train: Number of pictures to learn from.
        val: Number of pictures to measure on; they come first, so ``train`` does not change them.
        resize: Side in pixels at which the pictures are generated.
        period: Least and most pixels after which a picture repeats (whole numbers), drawn per axis.
        part: Least and most of a real picture's shorter side that a tile's longer side shows.
        seed: Of all pictures.
    """

    cluster: ClassVar[str] = r"^.+(?=-\d+$)"  # tiles of one photograph

    pictures: Source
    train: int
    val: int
    resize: int
    period: Sequence[int]
    part: Sequence[float]
    seed: int
    _files: Split | None = field(default=None, init=False)
    _kept: dict[Path, np.ndarray] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.period) != 2 or not 1 <= self.period[0] <= self.period[1]:
            raise ValueError(
                f"expected data.period to be two growing numbers from 1, got {list(self.period)}"
            )
        if len(self.part) != 2 or not 0 < self.part[0] <= self.part[1] <= 1:
            raise ValueError(
                "expected data.part to be two growing shares above 0 and up to 1, "
                f"got {list(self.part)}"
            )
        if self.pictures.on_error != "raise":
            raise ValueError("data=textures names its pictures by number: none may be skipped")

    def split(self, train: bool = True) -> Split:
        """Name the pictures: the first ``val`` are for validation, all others for training.

        Raises:
            ValueError: There are none to cut tiles from.
            FileNotFoundError: A folder, list or picture is missing.
        """
        self._files = self.pictures.split(train)
        names = names_of([*self._files.train, *self._files.val])

        def named(numbers: range) -> list[Path]:
            files = [self._file(number) for number in numbers]
            stems = (Path(names[file]).with_suffix("") for file in files)
            return [Path(f"{stem}-{n:06d}") for stem, n in zip(stems, numbers, strict=True)]

        learnt = range(self.val, self.val + self.train if self._files.train else self.val)
        return Split(named(learnt), named(range(self.val if self._files.val else 0)))

    def scene(self, path: Path) -> Scene:
        """Generate a picture with its content; a path that is none of :meth:`split` is refused."""
        _, _, number = path.name.rpartition("-")
        if not number.isdigit():
            raise ValueError(f"expected a name such as chelsea-000012, got {path}")
        rng = np.random.default_rng([self.seed, int(number)])
        photograph = self._read(self._file(int(number)))
        periods = rng.integers(self.period[0], self.period[1] + 1, 2)
        axes = [(np.arange(self.resize) + rng.integers(length)) % length for length in periods]
        whole = np.array(photograph.shape[:2])
        longest = min(whole) * rng.uniform(self.part[0], self.part[1])
        height, width = np.minimum(np.ceil(longest * periods / max(periods)).astype(int), whole)
        top, left = rng.integers(whole - (height, width) + 1)
        part = photograph[top : top + height, left : left + width]
        tile = cv2.resize(part, periods[::-1].tolist(), interpolation=cv2.INTER_AREA)
        return Scene(tile[np.ix_(*axes)], torus(axes, periods))

    def _file(self, number: int) -> Path:
        """The real picture of a generated one."""
        train, val = self._files or self.pictures.split()
        return val[number % len(val)] if number < self.val else train[number % len(train)]

    def _read(self, path: Path) -> np.ndarray:
        if path in self._kept:
            return self._kept[path]
        picture = read_rgb(path, self.pictures.max_file_pixels)
        if self.pictures.cache:
            self._kept[path] = picture
        return picture
