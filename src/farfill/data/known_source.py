"""Generated pictures that show everything twice or more, and say what they show where."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from farfill.data.generated import Generated, Scene, torus
from farfill.data.protocol import Split

BASE = (80, 176)  # least and most level of a texture's mean colour
SPREAD = 80  # most levels that its colours lie off the mean
APART = 1e4  # pixels between the contents of two textures: further than any tolerance


@dataclass
class KnownSource(Generated):
    """Pictures whose holes have a known right source.

    * ``periodic``: one texture repeats in both directions. The content is the place on the torus,
      see :func:`~farfill.data.generated.torus`.
    * ``mirrored``: the right half mirrors the left. The content is the row and the distance to
      the nearer of the left and right sides.
    * ``two_textures``: two periodic textures side by side; which one is a further coordinate.

    Textures are soft blobs in random colours; colours, periods, phases and seam are drawn per
    picture from (seed, number) alone. There are no files: a path is a name such as
    ``periodic-000012``.

    Attributes:
        kinds: Of the pictures, in turn; any of the three.
        train: Number of pictures to learn from.
        val: Number of pictures to measure on; they come first, so ``train`` does not change them.
        resize: Side in pixels at which the pictures are generated.
        period: Least and most pixels after which a texture repeats (whole numbers).
        grain: Pixels between two colours of a texture.
        seed: Of all pictures.
    """

    cluster: ClassVar[None] = None

    kinds: Sequence[str]
    train: int
    val: int
    resize: int
    period: Sequence[int]
    grain: int
    seed: int

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.kinds or not set(self.kinds) <= set(KINDS):
            raise ValueError(f"expected data.kinds to name some of {list(KINDS)}, got {self.kinds}")
        if len(self.period) != 2 or not 1 <= self.grain <= self.period[0] <= self.period[1]:
            raise ValueError(
                "expected data.period to be two growing numbers, not below data.grain, which is "
                f"at least 1; got {list(self.period)} and {self.grain}"
            )

    def split(self, train: bool = True) -> Split:
        """Name the pictures: the first ``val`` are for validation, all others for training."""
        count = self.train + self.val
        paths = [Path(f"{self.kinds[n % len(self.kinds)]}-{n:06d}") for n in range(count)]
        return Split(train=paths[self.val :], val=paths[: self.val])

    def scene(self, path: Path) -> Scene:
        """Generate a picture with its content; a path that is none of :meth:`split` is refused."""
        kind, _, number = path.name.rpartition("-")
        if kind not in KINDS or not number.isdigit():
            raise ValueError(f"expected a name such as periodic-000012, got {path}")
        rng = np.random.default_rng([self.seed, int(number)])
        return KINDS[kind](rng, self.resize, self.period, self.grain)


def _periodic(rng: np.random.Generator, side: int, period: Sequence[int], grain: int) -> Scene:
    periods = rng.integers(period[0], period[1] + 1, 2)
    axes = [(np.arange(side) + rng.integers(length)) % length for length in periods]
    return Scene(_texture(rng, axes, periods, grain), torus(axes, periods))


def _mirrored(rng: np.random.Generator, side: int, period: Sequence[int], grain: int) -> Scene:
    rows = np.arange(side)
    columns = np.minimum(rows, side - 1 - rows)
    once = np.array([2 * side, 2 * side])  # a period that the picture does not reach
    content = np.stack(np.meshgrid(rows, columns, indexing="ij")).astype(float)
    return Scene(_texture(rng, [rows, columns], once, grain), content)


def _two_textures(rng: np.random.Generator, side: int, period: Sequence[int], grain: int) -> Scene:
    left, right = (_periodic(rng, side, period, grain) for _ in range(2))
    seam = rng.integers(3 * side // 8, 5 * side // 8 + 1)
    is_right = np.broadcast_to(np.arange(side) >= seam, (side, side))
    content = np.where(is_right, right.content, left.content)
    return Scene(
        np.where(is_right[..., None], right.picture, left.picture),
        np.concatenate([content, APART * is_right[None]]),
    )


def _texture(
    rng: np.random.Generator, axes: Sequence[np.ndarray], periods: np.ndarray, grain: int
) -> np.ndarray:
    """Colour the places ``axes[0]`` x ``axes[1]`` of a tile with soft blobs around one colour."""
    knots = np.maximum(np.round(periods / grain).astype(int), 2)
    # No blob shares its colour with another: within a tile no two places may look alike.
    colours = rng.integers(*BASE, 3) + rng.uniform(-SPREAD, SPREAD, (*knots, 3))
    rows, columns = map(_blend, axes, periods, knots)
    pixels = np.tensordot(rows, np.tensordot(columns, colours, (1, 1)), (1, 1))
    return np.round(pixels).astype(np.uint8)


def _blend(axis: np.ndarray, length: int, knots: int) -> np.ndarray:
    """Share of every knot at every place, smooth and round the circle: ``(L, knots)``."""
    place = axis / length * knots
    first = np.floor(place).astype(int)
    part = (place - first)[:, None]
    part = part * part * (3 - 2 * part)
    one = np.eye(knots)
    return (1 - part) * one[first % knots] + part * one[(first + 1) % knots]


KINDS: dict[str, Callable[[np.random.Generator, int, Sequence[int], int], Scene]] = {
    "periodic": _periodic,
    "mirrored": _mirrored,
    "two_textures": _two_textures,
}
