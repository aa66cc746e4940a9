"""Random numbers by address: what is drawn depends on where it is used, not on what came before."""

from enum import IntEnum
from typing import NamedTuple

import numpy as np


class Draw(NamedTuple):
    """The address of one sample.

    Attributes:
        epoch: How often all pictures were seen before.
        index: Number of the picture in its data set.
        hole: Number of the hole; samples that share it share one hole.
    """

    epoch: int
    index: int  # type: ignore[assignment]  # tuple has a method of that name
    hole: int


class Use(IntEnum):
    """What a random number is for, so that no two uses share a stream."""

    ORDER = 1
    PICTURE = 2
    HOLE = 3


def sequence(seed: int, use: Use, *address: int) -> np.random.SeedSequence:
    """The start of the random numbers for one use at one address.

    Args:
        seed: Of the run, not negative.
        use: What the numbers are for.
        address: Always as many numbers for the same use, not negative.
    """
    return np.random.SeedSequence([seed, use, *address])
