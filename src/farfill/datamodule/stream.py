"""Which picture, crop and hole come when: random numbers by address, not by what came before."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from torch.utils.data import Sampler


class Draw(NamedTuple):
    """The address of one sample: which pass over the pictures, which of them, which hole."""

    epoch: int
    index: int  # type: ignore[assignment]  # tuple has a method of that name
    hole: int  # samples that share it share one hole


class Use(IntEnum):
    """What a random number is for, so that no two uses share a stream."""

    ORDER = 1
    PICTURE = 2
    HOLE = 3


def sequence(seed: int, use: Use, *address: int) -> np.random.SeedSequence:
    """The start of the random numbers for one use at one address; all are at least 0."""
    return np.random.SeedSequence([seed, use, *address])


@dataclass(eq=False, repr=False)
class Stream(Sampler[list[Draw]]):
    """Batch sampler over one long order: epoch after epoch, each with its own permutation.

    Position ``k`` is picture ``permutation(seed, k // length)[k % length]``; step ``s`` takes the
    next ``batch_size * updates`` positions. Nothing is kept from step to step, so a run that
    resumes at step ``s`` sees what the run that was cut off there would have seen. A batch may
    reach into the next epoch; no picture is dropped.

    Attributes:
        length: Pictures in the data set.
        batch_size: Pictures per update of a network.
        updates: Updates per step, whose pictures come as one list.
        steps: Steps of one iteration over it.
        one_hole_per_batch: All pictures of an update share one hole, as in the paper; otherwise
            each has its own in every epoch.
        share: Number of this process and how many there are: each takes a part of every update.
        start: Tells the steps that are done when an iteration begins.
    """

    length: int
    batch_size: int
    updates: int
    steps: int
    seed: int
    one_hole_per_batch: bool
    share: tuple[int, int] = (0, 1)
    start: Callable[[], int] = lambda: 0

    def __len__(self) -> int:
        """Steps of a whole iteration, those done before it began included."""
        return self.steps

    def __iter__(self) -> Iterator[list[Draw]]:
        """Yield this process's draws of each step from ``start`` to the iteration's end."""
        rank, processes = self.share
        part = self.batch_size // processes
        start = self.start()
        for step in range(start, (start // self.steps + 1) * self.steps):
            updates = range(step * self.updates, (step + 1) * self.updates)
            first = (update * self.batch_size + rank * part for update in updates)
            yield [self._draw(place + offset) for place in first for offset in range(part)]

    def _draw(self, position: int) -> Draw:
        epoch, rank = divmod(position, self.length)
        index = int(_permutation(self.seed, epoch, self.length)[rank])
        own = epoch * self.length + index
        return Draw(epoch, index, position // self.batch_size if self.one_hole_per_batch else own)


@lru_cache(maxsize=1)
def _permutation(seed: int, epoch: int, length: int) -> np.ndarray:
    return np.random.default_rng(sequence(seed, Use.ORDER, epoch)).permutation(length)
