"""PatchMatch's nearest-neighbour field of one picture, all positions at once."""

from __future__ import annotations

import cv2
import numpy as np


class PatchField:
    """For every patch that touches the hole, the most alike patch of known pixels found so far.

    Patches are squares named by their centre. The search is that of PatchMatch (Barnes et al.,
    SIGGRAPH 2009, section 3): a good match is passed on to neighbours, and random places around it
    are tried. Where the paper visits one position after the other, here each step is done for the
    whole field at once, with neighbours 1, 2, 4, ... pixels away.

    Args:
        picture: ``(H, W, C)``, float32. Its known pixels are what is copied.
        hole: ``(H, W)``, bool, True = missing.
        side: Side of the patches in pixels, odd. There must be a patch without missing pixels.
        rng: Draws the first matches and the random search.

    Attributes:
        targets: ``(T, 2)``, rows and columns of the patches to match: those touching the hole.
        sources: ``(T, 2)``, the match of each.
        cost: ``(T,)``, weighted mean square difference of each from its match.
    """

    def __init__(
        self, picture: np.ndarray, hole: np.ndarray, side: int, rng: np.random.Generator
    ) -> None:
        self.picture, self.hole, self.radius, self.rng = picture, hole, side // 2, rng
        self._usable = complete_patches(hole, side)
        self._is_target = np.zeros_like(hole)
        inner = _inner(hole.shape, self.radius)
        self._is_target[inner] = ~self._usable[inner]
        self.targets = np.argwhere(self._is_target)
        self._index = np.zeros(hole.shape, np.int64)
        self._index[tuple(self.targets.T)] = np.arange(len(self.targets))
        self.sources = rng.choice(np.argwhere(self._usable), len(self.targets))
        self.cost = np.full(len(self.targets), np.inf, np.float32)

    def start_from(self, coarse: PatchField) -> None:
        """Take over the matches of the same picture at half the size, where they can be used."""
        corner = np.array(coarse.hole.shape) - 1 - self.radius
        parents = np.clip(self.targets // 2, self.radius, corner)
        sources = 2 * coarse._match(parents) + self.targets - 2 * parents
        found = coarse._is_target[tuple(parents.T)] & self._can_use(sources)
        self.sources = np.where(found[:, None], sources, self.sources)

    def search(self, guess: np.ndarray, weight: np.ndarray, sweeps: int) -> None:
        """Improve every match.

        Args:
            guess: ``(H, W, C)``, float32, the picture with its hole filled so far.
            weight: ``(H, W)``, float32, how much each pixel of ``guess`` counts.
            sweeps: Rounds of passing on and trying.
        """
        wanted = _cut(guess, self.targets, self.radius)
        weights = np.broadcast_to(weight[..., None], guess.shape)
        weights = _cut(weights, self.targets, self.radius)
        weights = weights / np.maximum(weights.sum((1, 2), keepdims=True), 1e-12)
        self.cost = self._cost(wanted, weights, self.sources)
        size = max(self.hole.shape)
        for _ in range(sweeps):
            for step in _halves(size // 4):
                for direction in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                    self._try(wanted, weights, self._of_neighbour(step * np.array(direction)))
            for reach in _halves(size):
                away = self.rng.integers(-reach, reach + 1, self.sources.shape)
                self._try(wanted, weights, self.sources + away)

    def vote(self, trust: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean of what all matches that cover a pixel have there.

        Args:
            trust: ``(T,)``, how much each match counts.

        Returns:
            The mean ``(H, W, C)`` and the sum of trust ``(H, W)``; 0 where no patch covers.
        """
        total, votes = np.zeros_like(self.picture), np.zeros(self.hole.shape, np.float32)
        reach = range(-self.radius, self.radius + 1)
        for row in reach:
            for column in reach:
                to = (self.targets[:, 0] + row, self.targets[:, 1] + column)
                of = (self.sources[:, 0] + row, self.sources[:, 1] + column)
                total[to] += trust[:, None] * self.picture[of]
                votes[to] += trust
        return total / np.where(votes > 0, votes, 1)[..., None], votes

    def _of_neighbour(self, offset: np.ndarray) -> np.ndarray:
        """Where each target's match would be if it moved along with its neighbour's."""
        neighbours = np.clip(self.targets + offset, 0, np.array(self.hole.shape) - 1)
        moved = self._match(neighbours) - neighbours + self.targets
        return np.where(self._is_target[tuple(neighbours.T)][:, None], moved, self.sources)

    def _match(self, targets: np.ndarray) -> np.ndarray:
        """Matches of these targets; of positions that are none, anything."""
        return self.sources[self._index[tuple(targets.T)]]

    def _try(self, wanted: np.ndarray, weights: np.ndarray, places: np.ndarray) -> None:
        (new,) = np.nonzero((places != self.sources).any(1) & self._can_use(places))
        cost = self._cost(wanted[new], weights[new], places[new])
        better = cost < self.cost[new]
        self.sources[new[better]], self.cost[new[better]] = places[new[better]], cost[better]

    def _cost(self, wanted: np.ndarray, weights: np.ndarray, places: np.ndarray) -> np.ndarray:
        difference = _cut(self.picture, places, self.radius) - wanted
        return np.einsum("nij,nij,nij->n", difference, difference, weights)

    def _can_use(self, places: np.ndarray) -> np.ndarray:
        clipped = np.clip(places, 0, np.array(self.hole.shape) - 1)
        return (clipped == places).all(1) & self._usable[tuple(clipped.T)]


def complete_patches(hole: np.ndarray, side: int) -> np.ndarray:
    """Centres of the patches that lie in the picture and have no missing pixel, ``(H, W)``."""
    kernel = np.ones((side, side), np.uint8)
    missing = cv2.dilate(hole.astype(np.uint8), kernel).astype(bool)
    inner = _inner(hole.shape, side // 2)
    usable = np.zeros_like(hole)
    usable[inner] = ~missing[inner]
    return usable


def _inner(shape: tuple[int, ...], margin: int) -> tuple[slice, slice]:
    height, width = shape
    return slice(margin, max(margin, height - margin)), slice(margin, max(margin, width - margin))


def _cut(array: np.ndarray, centres: np.ndarray, radius: int) -> np.ndarray:
    """Patches ``(T, side, side * C)``; a patch's row is one piece of memory."""
    array = np.ascontiguousarray(array)
    _, width, channels = array.shape
    side = 2 * radius + 1
    runs = np.lib.stride_tricks.sliding_window_view(array.reshape(-1), side * channels)[::channels]
    first = (centres[:, 0] - radius) * width + centres[:, 1] - radius
    return runs[first[:, None] + np.arange(side) * width]


def _halves(largest: int) -> list[int]:
    """``largest``, half of it, and so on down to 1."""
    return [largest >> k for k in range(largest.bit_length())]
