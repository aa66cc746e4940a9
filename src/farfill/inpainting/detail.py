"""Fine detail for a smooth fill, from where the attention borrowed."""

from itertools import product

import cv2
import numpy as np
import torch
from torch import Tensor

CELL = 16  # side in pixels of what has one source
WINDOW = 40  # of what is compared and pasted around it
EVERY = 4  # pixel of a window is compared, in both directions
SIGMA = 4.0  # of the blur, in pixels: detail is what it takes away
ROUNDS = 4  # of the search
REACHES = (32, 16, 8, 4, 2, 1)  # how far around its source a cell looks in every round, in pixels
GAIN = 0.98  # times the difference so far: what is hardly better is left
MISSING = 0.1  # of a source's window, at most, and of what it is to lend
AT_ONCE = 4096  # cells

_AROUND = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]


def add_detail(completed: np.ndarray, missing: np.ndarray, offsets: Tensor) -> np.ndarray:
    """Keep what is coarse in a fill, and take what is fine from known places like it.

    A network that learned to be near the truth on average fills smoothly, though its attention
    knows where the texture is. As in contextual residual aggregation (Yi et al., CVPR 2020, arXiv
    2005.09704), the places that it borrowed from lend what a blur takes away from them. Other than
    there, every cell of 16 x 16 pixels has one place, not a mean of many, so that nothing becomes
    smooth again; and the place is a start: by PatchMatch's search (Barnes et al. 2009) cells try
    their neighbours' places and random ones around their own, and keep what is most like the fill
    once blurred, and like the known pixels that their window touches. The same picture, hole and
    fill always give the same result. Not in the paper.

    Args:
        completed: The picture with its fill, ``(H, W, 3)``, float32 in ``[-1, 1]``.
        missing: ``(H, W)``, bool.
        offsets: Of the attention, ``(1, 2, h, w)``, right in the hole at least, see
            :class:`farfill.types.AttentionResult`.

    Returns:
        A picture of the same kind. Known pixels are bit for bit the same, and so are missing ones
        for which no known place lies near enough.
    """
    known = (~missing).astype(np.float32)[..., None]
    share = _blur(known).clip(1e-3)
    blurred = _blur(completed * known) / share
    search = _Search(completed, blurred, known)
    detail, found = search.paste((completed - blurred) * known, search.run(_start(offsets, search)))
    filled = np.where(found, _blur(completed) + detail, completed).clip(-1, 1)
    return np.where(missing[..., None], filled, completed)


def detailed(completed: Tensor, hole: Tensor, offsets: Tensor | None) -> Tensor:
    """Do as :func:`add_detail` with each of ``(N, 3, H, W)``, on its device.

    ``hole`` is ``(N, 1, H, W)``, 1 = missing.

    Raises:
        ValueError: ``offsets`` is None: the network does not say where it borrows.
    """
    if offsets is None:
        raise ValueError(
            "detail=true needs a network whose attention says where it borrows; say detail=false"
        )
    pictures = [
        add_detail(picture.permute(1, 2, 0).numpy(), missing[0].numpy() > 0, its[None])
        for picture, missing, its in zip(
            completed.float().cpu(), hole.cpu(), offsets.cpu(), strict=True
        )
    ]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(completed.device)


def _start(offsets: Tensor, search: "_Search") -> np.ndarray:
    """For every cell ``(M, 2)`` the offset, in pixels, of its first missing pixel."""
    grid = offsets[0].numpy()
    place = search.size // np.array(grid.shape[1:])
    row, column = (search.first // place).T
    return grid[:, row, column].T * place


class _Search:
    """Sources of a hole's cells, all at once: their offsets in pixels are ``(M, 2)``."""

    def __init__(self, completed: np.ndarray, blurred: np.ndarray, known: np.ndarray) -> None:
        self.size = np.array(known.shape[:2])
        more = -self.size % CELL
        rows, columns = (self.size + more) // CELL
        missing = np.pad(known[..., 0] == 0, [(0, n) for n in more])
        squares = missing.reshape(rows, CELL, columns, CELL).swapaxes(1, 2)
        blocks = squares.reshape(rows, columns, CELL**2)
        self.holey = blocks.any(2)
        self.corners = np.argwhere(self.holey) * CELL
        self.first = self.corners + np.stack(np.divmod(blocks[self.holey].argmax(1), CELL), axis=1)
        self.margin = (WINDOW - CELL) // 2
        self.padding = [(self.margin, self.margin + n) for n in more] + [(0, 0)]
        # Of what lies beyond the picture nothing is known, and nothing is missing.
        fields = completed, completed * known, blurred, known, np.ones_like(known)
        self.fill, self.sharp, self.blurred, self.known, self.inside = (
            np.pad(x, self.padding).reshape(-1, x.shape[-1]) for x in fields
        )
        self.width = int(self.size[1] + more[1]) + 2 * self.margin
        step = np.arange(0, WINDOW, EVERY)
        self.compared = (step[:, None] * self.width + step).ravel()
        self.random = np.random.default_rng(0)

    def run(self, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Improve offsets; also whether each is of a place that can be used."""
        best = self.difference(offsets)
        there = np.pad(self.holey, 1)
        field = np.zeros((*there.shape, 2), int)
        row, column = self.corners.T // CELL + 1
        everywhere = np.ones(len(offsets), bool)
        for _ in range(ROUNDS):
            for down, right in _AROUND:
                field[row, column] = offsets
                near = row + down, column + right
                offsets, best = self._better(field[near], there[near], offsets, best)
            for reach in REACHES:
                moved = offsets + self.random.integers(-reach, reach + 1, offsets.shape)
                offsets, best = self._better(moved, everywhere, offsets, best)
        return offsets, np.isfinite(best)

    def _better(
        self, tried: np.ndarray, allowed: np.ndarray, offsets: np.ndarray, best: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        difference = self.difference(tried)
        better = allowed & (difference < GAIN * best)
        return np.where(better[:, None], tried, offsets), np.where(better, difference, best)

    def difference(self, offsets: np.ndarray) -> np.ndarray:
        """Mean square between each cell's window and its source's; infinite for no source."""
        places = self.corners + offsets
        result = np.full(len(places), np.inf, np.float32)
        numbers = np.flatnonzero(((places >= 0) & (places <= self.size - CELL)).all(1))
        for some in np.array_split(numbers, -(-len(numbers) // AT_ONCE) or 1):
            here, there = (
                (x[some] @ (self.width, 1))[:, None] + self.compared for x in (self.corners, places)
            )
            known, lent = self.known[here], self.known[there][..., 0]
            source = np.where(known > 0, self.sharp[there], self.blurred[there])
            squares = np.square(self.fill[here] - source).mean(2)
            weight = lent * self.inside[here][..., 0]
            mean = (squares * weight).sum(1) / weight.sum(1).clip(1)
            gone = self.inside[there][..., 0] - lent
            wanted = (self.inside[here] - known)[..., 0]
            lacks = (gone * wanted).sum(1) / wanted.sum(1).clip(1)
            result[some] = np.where((gone.mean(1) <= MISSING) & (lacks <= MISSING), mean, np.inf)
        return result

    def paste(
        self, detail: np.ndarray, sources: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray]:
        """Windows of ``(H, W, 3)`` from their sources, faded into one another, and where any is."""
        line = np.hanning(WINDOW + 2)[1:-1].astype(np.float32)
        fade = np.outer(line, line)[..., None]
        known = self.known.reshape(-1, self.width, 1)
        lent = np.pad(detail, self.padding)
        total, weights = np.zeros_like(lent), np.zeros_like(known)
        for to, offset, usable in zip(self.corners, *sources, strict=True):
            if usable:
                here, there = (
                    (slice(row, row + WINDOW), slice(column, column + WINDOW))
                    for row, column in (to, to + offset)
                )
                weight = fade * known[there]
                total[here] += weight * lent[there]
                weights[here] += weight
        inner = tuple(slice(self.margin, self.margin + side) for side in self.size)
        return (total / weights.clip(1e-4))[inner], weights[inner] > 1e-3


def _blur(image: np.ndarray) -> np.ndarray:
    """``(H, W, C)`` without its detail."""
    blurred = cv2.GaussianBlur(image, (0, 0), SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return blurred.reshape(image.shape)  # OpenCV drops an axis of one channel
