"""PatchMatch, coarse to fine: every hole is filled with patches of the same picture."""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from farfill.types import Batch


@dataclass
class PatchMatch:
    """Fill with copies of known patches (Barnes et al., SIGGRAPH 2009, section 4). No training.

    From a small copy of the picture to the picture itself, two steps alternate, as in Wexler et
    al. (*Space-Time Completion of Video*, PAMI 2007): each patch that touches the hole looks for
    the most alike patch without missing pixels, then each missing pixel becomes the weighted mean
    of what the matches that cover it have there. The smallest copy is filled from the rim inwards.

    Where there is no whole patch of ``patch_size``, the largest size that has one is taken; where
    not even 3 x 3 known pixels lie together, each missing pixel copies the nearest known one.

    Attributes:
        patch_size: Side of the patches in pixels, odd, 3 or more (PatchMatch's own examples: 7).
        iterations: Rounds of both steps on the picture itself; k + 1 times as many on the copy
            that is 2^k times smaller.
        sweeps: Rounds of PatchMatch's search in each; the smallest copy gets 6 times as many.
        seed: Of the search. The same picture and hole are filled alike, whatever the batch.
    """

    patch_size: int
    iterations: int
    sweeps: int
    seed: int

    def __post_init__(self) -> None:
        if self.patch_size < 3 or self.patch_size % 2 == 0:
            raise ValueError(f"expected `patch_size` odd and 3 or more, got {self.patch_size}")
        if min(self.iterations, self.sweeps) < 1:
            raise ValueError(
                "expected `iterations` and `sweeps` of 1 or more, got "
                f"{self.iterations} and {self.sweeps}"
            )

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``; a picture without a known pixel is refused with a ``ValueError``."""
        known = batch.masked.float().permute(0, 2, 3, 1).cpu().numpy()
        holes = batch.hole[:, 0].cpu().numpy() > 0.5
        filled = np.stack([self._fill(*pair) for pair in zip(known, holes, strict=True)])
        copies = torch.from_numpy(filled).permute(0, 3, 1, 2).to(batch.image)
        return torch.where(batch.hole.bool(), copies, batch.image)

    def _fill(self, known: np.ndarray, hole: np.ndarray) -> np.ndarray:
        if hole.all():
            raise ValueError("expected a hole that leaves known pixels to copy, got all pixels")
        if not hole.any():
            return known
        sides = range(self.patch_size, 2, -2)
        side = next((side for side in sides if complete_patches(hole, side).any()), None)
        if side is None:  # copy the nearest known pixel
            _, labels = cv2.distanceTransformWithLabels(
                hole.astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL
            )
            colours = np.zeros((labels.max() + 1, known.shape[2]), known.dtype)
            colours[labels[~hole]] = known[~hole]
            return colours[labels]
        rng = np.random.default_rng(self.seed)
        *finer, smallest = pyramid(known, hole, side)
        field = PatchField(*smallest, side, rng)
        guess = self._refine(field, self._fill_inwards(field), depth=len(finer))
        for depth, (picture, missing) in reversed(list(enumerate(finer))):
            coarse, field = field, PatchField(picture, missing, side, rng)
            field.start_from(coarse)
            guess = self._refine(field, field.vote(_trust(field)), depth)
        return guess

    def _refine(self, field: "PatchField", guess: np.ndarray, depth: int) -> np.ndarray:
        for _ in range(self.iterations * (depth + 1)):
            guess = np.where(field.hole[..., None], guess, field.picture)
            field.search(guess, np.ones(field.hole.shape, np.float32), self.sweeps)
            guess = field.vote(_trust(field))
        return guess

    def _fill_inwards(self, field: "PatchField") -> np.ndarray:
        """Fill one rim of missing pixels after the other; what is not filled yet does not count."""
        guess, todo = field.picture.copy(), field.hole.copy()
        window = (2 * field.radius + 1,) * 2
        while todo.any():
            weight = np.where(todo, 0, _closeness(field.hole))
            field.search(guess, weight, 6 * self.sweeps)  # all other copies start from these
            filled = cv2.blur(weight, window, borderType=cv2.BORDER_CONSTANT)
            votes = field.vote(_trust(field) * filled[tuple(field.targets.T)])
            inner = cv2.erode(todo.astype(np.uint8), np.ones((3, 3), np.uint8)).astype(bool)
            rim = todo & ~inner
            guess[rim], todo = votes[rim], inner
        return guess


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
        """Improve every match by rounds of passing on and trying.

        ``guess`` ``(H, W, C)``, float32, is the picture with its hole filled so far, and ``weight``
        ``(H, W)``, float32, how much each pixel of it counts.
        """
        wanted = _cut(guess, self.targets, self.radius)
        weights = _cut(np.broadcast_to(weight[..., None], guess.shape), self.targets, self.radius)
        weights = weights / np.maximum(weights.sum((1, 2), keepdims=True), 1e-12)
        self.cost = self._cost(wanted, weights, self.sources)
        size = max(self.hole.shape)
        halves = [size >> k for k in range(size.bit_length())]
        for _ in range(sweeps):
            for step in halves[2:]:
                for direction in ((0, 1), (0, -1), (1, 0), (-1, 0)):
                    neighbours = self.targets + step * np.array(direction)
                    neighbours = np.clip(neighbours, 0, np.array(self.hole.shape) - 1)
                    matched, sources = self.match(neighbours)
                    along = np.where(
                        matched[:, None], sources - neighbours + self.targets, self.sources
                    )
                    self._try(wanted, weights, along)
            for reach in halves:
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


def pyramid(known: np.ndarray, hole: np.ndarray, side: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Picture and hole, then halves of halves, until a patch in the hole sees its rim.

    A smaller pixel is known if all four it covers are. It ends earlier where smaller copies would
    have too few patches, of ``side`` pixels, to choose from.
    """
    levels = [(known, hole)]
    while _depth(levels[-1][1]).max() > side // 2:
        picture, hole = levels[-1]
        even = [(0, length % 2) for length in hole.shape]
        picture = np.pad(picture, (*even, (0, 0)), mode="edge")
        hole = np.pad(hole, even, mode="edge")
        rows, columns = hole.shape[0] // 2, hole.shape[1] // 2
        hole = np.asarray(hole.reshape(rows, 2, columns, 2).any(axis=(1, 3)))
        picture = picture.reshape(rows, 2, columns, 2, -1).mean((1, 3), dtype=np.float32)
        picture[hole] = 0
        if complete_patches(hole, side).sum() < side**2:
            break
        levels.append((picture, hole))
    return levels


def _depth(hole: np.ndarray) -> np.ndarray:
    """Steps to the nearest known pixel, diagonal ones allowed; the picture's border is no rim."""
    return cv2.distanceTransform(hole.astype(np.uint8), cv2.DIST_C, 3)


def _closeness(hole: np.ndarray) -> np.ndarray:
    """As in Wexler et al.; beyond 60 pixels it falls no further."""
    return (1.3 ** -np.minimum(_depth(hole), 60)).astype(np.float32)


def _trust(field: PatchField) -> np.ndarray:
    """Trust in each match, which falls with the distance to the known region."""
    return _closeness(field.hole)[tuple(field.targets.T)]
