"""Fine detail for a smooth fill, copied from known places that the attention leads to."""

from itertools import product

import cv2
import numpy as np
import torch
from torch import Tensor

BLOCK = 16  # side in pixels of what is copied from one source
WINDOW = 40  # side of the window around a block that is compared and copied
STRIDE = 4  # of the pixels that are compared
FADE = 8  # pixels from the hole's edge over which copies replace the fill
SIGMA = 4.0  # of the Gaussian, in pixels: high frequencies are what it removes
ITERATIONS = 4  # of the search
RADII = (32, 16, 8, 4, 2, 1)  # of the random search in every iteration, in pixels
IMPROVEMENT = 0.98  # a new source's difference, at most, in that of the present one
MISSING = 0.1  # of a block's missing pixels, those that a source may lack
UNKNOWN = 0.5  # of what is compared, the source's share that is not known, at most

_NEIGHBOURS = [step for step in product((-1, 0, 1), repeat=2) if step != (0, 0)]


def add_detail(
    completed: np.ndarray, missing: np.ndarray, offsets: Tensor, cell: int
) -> np.ndarray:
    """Keep the low frequencies of a fill, and copy the high ones from known pixels.

    A network that learned to be near the truth on average fills smoothly, but its attention knows
    where the same texture is. As in contextual residual aggregation (Yi et al., CVPR 2020, arXiv
    2005.09704), those places lend their high frequencies. There a mean of many is copied; here
    every block of 16 x 16 pixels has one source, and copies fade into one another where their
    windows overlap. The attention's offset is where a search begins, PatchMatch's (Barnes et al.
    2009): the sources of neighbouring blocks and random ones nearby are tried, and the one whose
    window is most like the block's is kept. Where a block is filled, its fill is compared with the
    source's low frequencies; where it is known, with all. The same arguments always give the same
    result. Not in the paper.

    Args:
        completed: The picture with its fill, ``(H, W, 3)``, float32 in ``[-1, 1]``.
        missing: ``(H, W)``, bool.
        offsets: Of the attention, ``(1, 2, h, w)``, right in the hole at least, see
            :class:`farfill.types.AttentionResult`.
        cell: Side of a place of the attention's grid in pixels.

    Returns:
        A picture of the same kind. Known pixels are bit for bit the same, and so are missing ones
        for which no source was found.
    """
    known = (~missing).astype(np.float32)[..., None]
    low = _low(completed * known) / _low(known).clip(1e-3)
    search = _Search(completed, low, known)
    copied, share = search.paste(completed - low, *search.run(_start(search, offsets, cell)))
    detailed = (_low(completed) + copied).clip(-1, 1)
    # Near its edge the network's fill is right to the pixel, which no copy is.
    distance = cv2.distanceTransform(missing.astype(np.uint8), cv2.DIST_L2, 5)
    share *= (distance / FADE).clip(0, 1)[..., None]
    mixed = completed + share * (detailed - completed)
    return np.where((share > 0) & missing[..., None], mixed, completed)


def detailed(completed: Tensor, hole: Tensor, offsets: Tensor | None, cell: int) -> Tensor:
    """Do as :func:`add_detail` with each of ``(N, 3, H, W)``; the result is on the same device.

    ``hole`` is ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing.

    Raises:
        ValueError: ``offsets`` is None: the network does not say where it borrows.
    """
    if offsets is None:
        raise ValueError(
            "detail=true needs a network whose attention says where it borrows; say detail=false"
        )
    holes = hole.expand(len(completed), -1, -1, -1)
    pictures = [
        add_detail(picture.permute(1, 2, 0).numpy(), missing[0].numpy() > 0, its[None], cell)
        for picture, missing, its in zip(
            completed.float().cpu(), holes.cpu(), offsets.cpu(), strict=True
        )
    ]
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(completed.device)


def _start(search: "_Search", offsets: Tensor, cell: int) -> np.ndarray:
    """For every block ``(M, 2)`` the offset in pixels of its first missing pixel's place."""
    grid = offsets[0].numpy()
    row, column = np.minimum(search.first // cell, np.array(grid.shape[1:]) - 1).T
    return grid[:, row, column].T * cell


class _Search:
    """The search of all blocks with missing pixels at once; offsets are ``(M, 2)``, in pixels."""

    def __init__(self, completed: np.ndarray, low: np.ndarray, known: np.ndarray) -> None:
        self.size = np.array(known.shape[:2])
        more = -self.size % BLOCK
        self.grid = (self.size + more) // BLOCK
        rows, columns = self.grid
        missing = np.pad(known[..., 0] == 0, [(0, n) for n in more])
        blocks = missing.reshape(rows, BLOCK, columns, BLOCK).swapaxes(1, 2)
        flat = blocks.reshape(rows, columns, BLOCK**2)
        self.holey = flat.any(2)
        self.corners = np.argwhere(self.holey) * BLOCK
        self.missing = flat[self.holey]
        self.first = self.corners + np.stack(np.divmod(self.missing.argmax(1), BLOCK), axis=1)
        self.margin = (WINDOW - BLOCK) // 2
        self.padding = [(self.margin, self.margin + n) for n in more] + [(0, 0)]
        fields = completed, completed * known, low, known, np.ones_like(known)
        self.fill, self.sharp, self.low, self.known, self.inside = (
            np.pad(x, self.padding).reshape(-1, x.shape[-1]) for x in fields
        )
        self.width = int(self.grid[1]) * BLOCK + 2 * self.margin
        window, block = np.arange(0, WINDOW, STRIDE), self.margin + np.arange(BLOCK)
        self.window, self.block = (
            (steps[:, None] * self.width + steps).ravel() for steps in (window, block)
        )

    def run(self, offsets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Improve offsets; also which of them are of sources that can be used."""
        random = np.random.default_rng(0)
        best = self.difference(offsets)
        holey = np.pad(self.holey, 1)
        field = np.zeros((*holey.shape, 2), int)
        row, column = self.corners.T // BLOCK + 1
        everywhere = np.ones(len(offsets), bool)
        for _ in range(ITERATIONS):
            for down, right in _NEIGHBOURS:
                field[row, column] = offsets
                neighbour = row + down, column + right
                offsets, best = self._better(field[neighbour], holey[neighbour], offsets, best)
            for radius in RADII:
                moved = offsets + random.integers(-radius, radius + 1, offsets.shape)
                offsets, best = self._better(moved, everywhere, offsets, best)
        return offsets, np.isfinite(best)

    def _better(
        self, tried: np.ndarray, allowed: np.ndarray, offsets: np.ndarray, best: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        difference = self.difference(tried)
        better = allowed & (difference < IMPROVEMENT * best)
        return np.where(better[:, None], tried, offsets), np.where(better, difference, best)

    def difference(self, offsets: np.ndarray) -> np.ndarray:
        """Mean square between a block's window and its source's; infinite for no usable source."""
        places = self.corners + offsets
        result = np.full(len(places), np.inf, np.float32)
        possible = ((places >= 0) & (places <= (self.grid - 1) * BLOCK)).all(1)
        numbers = np.flatnonzero(possible)
        lent = self.known[self._pixels(places[numbers], self.block)][..., 0]
        missing = self.missing[numbers]
        lacks = (missing * (1 - lent)).sum(1) / missing.sum(1)
        numbers = numbers[lacks <= MISSING]
        here, there = (self._pixels(x[numbers], self.window) for x in (self.corners, places))
        known, inside = self.known[here], self.inside[here][..., 0]
        source = np.where(known > 0, self.sharp[there], self.low[there])
        squares = np.square(self.fill[here] - source).mean(2)
        weight = self.known[there][..., 0] * inside
        mean = (squares * weight).sum(1) / weight.sum(1).clip(1)
        result[numbers] = np.where(weight.sum(1) >= (1 - UNKNOWN) * inside.sum(1), mean, np.inf)
        return result

    def _pixels(self, corners: np.ndarray, inside: np.ndarray) -> np.ndarray:
        return (corners @ (self.width, 1))[:, None] + inside

    def paste(
        self, high: np.ndarray, offsets: np.ndarray, usable: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Copies ``(H, W, 3)`` of the sources' high frequencies, and 1 where there are any."""
        line = np.minimum(np.arange(WINDOW), np.arange(WINDOW)[::-1]) + np.float32(0.5)
        line = (line / (2 * self.margin)).clip(max=1)
        fade = np.outer(line, line)[..., None]
        high = np.pad(high, self.padding)
        known = self.known.reshape(-1, self.width, 1)
        total, weights = np.zeros_like(high), np.zeros_like(known)
        for corner, offset in zip(self.corners[usable], offsets[usable], strict=True):
            here, there = (
                (slice(row, row + WINDOW), slice(column, column + WINDOW))
                for row, column in (corner, corner + offset)
            )
            weight = fade * known[there]
            total[here] += weight * high[there]
            weights[here] += weight
        inner = tuple(slice(self.margin, self.margin + side) for side in self.size)
        weights = weights[inner]
        return total[inner] / weights.clip(1e-4), (weights > 1e-3).astype(np.float32)


def _low(image: np.ndarray) -> np.ndarray:
    """The low frequencies of ``(H, W, C)``."""
    blurred = cv2.GaussianBlur(image, (0, 0), SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return blurred.reshape(image.shape)  # OpenCV drops an axis of one channel
