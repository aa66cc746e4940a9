"""PatchMatch, coarse to fine: every hole is filled with patches of the same picture."""

import cv2
import numpy as np
import torch
from torch import Tensor

from farfill.baseline.patch_field import PatchField, complete_patches
from farfill.types import Batch


class PatchMatch:
    """Fill with copies of known patches (Barnes et al., SIGGRAPH 2009, section 4). No training.

    From a small copy of the picture to the picture itself, two steps alternate, as in Wexler et
    al. (*Space-Time Completion of Video*, PAMI 2007): each patch that touches the hole looks for
    the most alike patch without missing pixels, then each missing pixel becomes the weighted mean
    of what the matches that cover it have there. The smallest copy is filled from the rim inwards.

    Where there is no whole patch of ``patch_size``, the largest size that has one is taken; where
    not even 3 x 3 known pixels lie together, each missing pixel copies the nearest known one.

    Args:
        patch_size: Side of the patches in pixels, odd (7 in PatchMatch's own examples).
        iterations: Rounds of both steps on the picture itself; k + 1 times as many on the copy
            that is 2^k times smaller.
        sweeps: Rounds of PatchMatch's search in each; the smallest copy gets 6 times as many.
        seed: Of the search. The same picture and hole are filled alike, whatever the batch.

    Raises:
        ValueError: If ``patch_size`` is not an odd number from 3 on or a count is below 1.
    """

    def __init__(self, patch_size: int, iterations: int, sweeps: int, seed: int) -> None:
        if patch_size < 3 or patch_size % 2 == 0:
            raise ValueError(f"expected `patch_size` to be odd and 3 or more, got {patch_size}")
        if iterations < 1 or sweeps < 1:
            raise ValueError(
                f"expected `iterations` and `sweeps` of 1 or more, got {iterations} and {sweeps}"
            )
        self.patch_size = patch_size
        self.iterations = iterations
        self.sweeps = sweeps
        self.seed = seed

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``.

        Raises:
            ValueError: If a picture has no known pixel.
        """
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

    def _refine(self, field: PatchField, guess: np.ndarray, depth: int) -> np.ndarray:
        for _ in range(self.iterations * (depth + 1)):
            guess = np.where(field.hole[..., None], guess, field.picture)
            field.search(guess, np.ones(field.hole.shape, np.float32), self.sweeps)
            guess = field.vote(_trust(field))
        return guess

    def _fill_inwards(self, field: PatchField) -> np.ndarray:
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
