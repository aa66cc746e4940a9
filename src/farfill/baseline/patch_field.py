"""PatchMatch's nearest-neighbour field of one picture, all positions at once."""

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
        self._is_target = complete_patches(np.zeros_like(hole), side) & ~self._usable
        self.targets = np.argwhere(self._is_target)
        self._index = np.zeros(hole.shape, np.int64)
        self._index[tuple(self.targets.T)] = np.arange(len(self.targets))
        self.sources = rng.choice(np.argwhere(self._usable), len(self.targets))
        self.cost = np.full(len(self.targets), np.inf, np.float32)

    def start_from(self, coarse: "PatchField") -> None:
        """Take over the matches of the same picture at half the size, where they can be used."""
        corner = np.array(coarse.hole.shape) - 1 - self.radius
        parents = np.clip(self.targets // 2, self.radius, corner)
        matched, sources = coarse.match(parents)
        sources = 2 * sources + self.targets - 2 * parents
        usable = matched & self._can_use(sources)
        self.sources = np.where(usable[:, None], sources, self.sources)

    def match(self, places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Which of the places ``(P, 2)`` are targets, and the match of each, else anything."""
        at = tuple(places.T)
        return self._is_target[at], self.sources[self._index[at]]

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
                    neighbours = self.targets + step * np.array(direction)
                    neighbours = np.clip(neighbours, 0, np.array(self.hole.shape) - 1)
                    matched, sources = self.match(neighbours)
                    along = np.where(
                        matched[:, None], sources - neighbours + self.targets, self.sources
                    )
                    self._try(wanted, weights, along)
            for reach in _halves(size):
                away = self.rng.integers(-reach, reach + 1, self.sources.shape)
                self._try(wanted, weights, self.sources + away)

    def vote(self, trust: np.ndarray) -> np.ndarray:
        """Mean of what all matches that cover a pixel have there, ``(H, W, C)``; 0 where none does.

        ``trust``, ``(T,)``, is how much each match counts.
        """
        total, votes = np.zeros_like(self.picture), np.zeros(self.hole.shape, np.float32)
        for offset in np.ndindex(2 * self.radius + 1, 2 * self.radius + 1):
            to = tuple((self.targets + offset - self.radius).T)
            source = tuple((self.sources + offset - self.radius).T)
            total[to] += trust[:, None] * self.picture[source]
            votes[to] += trust
        return total / np.where(votes > 0, votes, 1)[..., None]

    def _try(self, wanted: np.ndarray, weights: np.ndarray, places: np.ndarray) -> None:
        """Take over those of the places ``(T, 2)`` that match better."""
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
    padded = np.pad(hole.astype(np.uint8), side // 2, constant_values=1)
    return cv2.dilate(padded, kernel)[side // 2 : -(side // 2), side // 2 : -(side // 2)] == 0


def _cut(array: np.ndarray, centres: np.ndarray, radius: int) -> np.ndarray:
    """Patches ``(T, side, side * C)``; a patch's row is one piece of memory."""
    array = np.ascontiguousarray(array)
    _, width, channels = array.shape
    side = 2 * radius + 1
    runs = np.lib.stride_tricks.sliding_window_view(array.reshape(-1), side * channels)[::channels]
    first = (centres[:, 0] - radius) * width + centres[:, 1] - radius
    return runs[first[:, None] + np.arange(side) * width]


def _halves(largest: int) -> list[int]:
    return [largest >> k for k in range(largest.bit_length())]
