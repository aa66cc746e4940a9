"""Holes of several kinds."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from farfill.mask.protocol import Hole, HoleSampler


@dataclass
class Mixed:
    """Draws a kind of hole, then a hole of that kind.

    Attributes:
        kinds: Name -> sampler. Their boxes have to be of one size, for the local critic.
        shares: Name -> how often that kind is drawn, relative to the others; 0: never.

    Raises:
        ValueError: Kinds and shares have other names, or the shares are no shares.
    """

    kinds: Mapping[str, HoleSampler]
    shares: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.kinds.keys() != self.shares.keys():
            raise ValueError(
                "expected mask.shares to have a number for each of mask.kinds, which are "
                f"{', '.join(self.kinds)}; got {', '.join(self.shares) or 'none'}"
            )
        numbers = [*self.shares.values()]
        if not (min(numbers, default=0) >= 0 and 0 < sum(numbers) < np.inf):
            raise ValueError(
                "expected mask.shares to be numbers from 0, one of them above it, got "
                f"{dict(self.shares)}"
            )

    def check(self, height: int, width: int) -> None:
        """Refuse with a ``ValueError`` what any kind refuses, and boxes of several sizes."""
        boxes = {}
        for name, kind in self._drawn().items():
            kind.check(height, width)
            boxes[name] = kind(np.random.default_rng(0), height, width).box[2:]
        if len({*boxes.values()}) > 1:
            sizes = ", ".join(f"{name} {box[0]} x {box[1]}" for name, box in boxes.items())
            raise ValueError(f"expected boxes of one size in all of mask.kinds, got {sizes}")

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw a kind and its hole; errors as of that kind."""
        kinds = self._drawn()
        shares = np.array([self.shares[name] for name in kinds], dtype=float)
        chosen = rng.choice(len(kinds), p=shares / shares.sum())
        return [*kinds.values()][chosen](rng, height, width)

    def _drawn(self) -> dict[str, HoleSampler]:
        return {name: kind for name, kind in self.kinds.items() if self.shares[name] > 0}
