"""What every sampler of holes offers."""

from typing import NamedTuple, Protocol

import numpy as np


class Hole(NamedTuple):
    """One hole.

    Attributes:
        mask: ``(H, W)``, bool, True = missing.
        region: ``(H, W)``, bool, where the discounted reconstruction counts: the whole unshrunk
            box for a box hole, the mask itself otherwise.
        box: ``(top, left, height, width)`` of the patch the local critic sees, in pixels.
    """

    mask: np.ndarray
    region: np.ndarray
    box: tuple[int, int, int, int]


class HoleSampler(Protocol):
    """Draws holes. The boxes of one sampler all have the same height and width."""

    def check(self, height: int, width: int) -> None:
        """Refuse, before training, a picture's size in pixels for which no hole can be drawn.

        The ``ValueError`` says in one sentence why and what to do.
        """

    def __call__(self, rng: np.random.Generator, height: int, width: int) -> Hole:
        """Draw one hole for a picture; it depends on the size and the state of ``rng`` only."""
