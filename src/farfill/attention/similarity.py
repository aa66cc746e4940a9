"""How well every foreground patch fits every background patch, a few rows at a time.

The authors cut the background into patches and convolve with them. Here no patch is cut out. One
matrix product multiplies every pixel of the foreground with every pixel of the background, and
the similarity of two patches is the sum of these products over their pixels: over entries along a
diagonal, first in rows, then in columns. Propagation sums along diagonals, too. Background pixels
lie row after row along one axis, so that each such sum adds slices of that axis.

Shape letters: ``n`` batch, ``c`` channels, ``y x`` a foreground position, ``v u`` a background
position, both on the reduced grid, and ``k`` all of the latter, row by row. To tell the two maps
apart, a *row* is always one of the foreground and a *line* one of the background.
"""

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.op.runtime import product_type

_NORM_FLOOR = 1e-4  # of a background patch; max(norm, floor), not an epsilon under the root
#: Bytes that the similarities of a band may take: on a processor what its caches hold.
BAND_BYTES = {"cpu": 12 * 2**20, "cuda": 2**28}
LEAST_ROWS = 8  # of a band: it computes four again which its neighbours have, too


def band(height: int, row_bytes: int, device: torch.device) -> tuple[int, int]:
    """Choose how many samples to take at once with all their rows, or one and how many rows.

    A sample has ``height`` rows, the similarities of one take ``row_bytes``.
    """
    budget = BAND_BYTES.get(device.type, BAND_BYTES["cuda"])
    samples = budget // (height * row_bytes)
    if samples:
        return samples, height
    count = -(-height // max(LEAST_ROWS, budget // row_bytes))
    return 1, -(-height // count)


class Similarity:
    """Similarities of foreground patches with background patches of unit length.

    Args:
        foreground: ``(N, C, h, w)``.
        background: ``(N, C, h', w')``.
        patch_size: Side of a patch; outside the map there are zeros.
        stride: Background patches are taken at every ``stride``-th row and column.
        propagation: How many neighbours along the diagonal are summed, the position itself
            included (odd): those that borrow from neighbouring places back each other. It runs
            over flattened positions, first row by row, then column by column, and so wraps from
            the end of a line to the start of the next. That is a quirk of the authors' code
            (their "fuse"), kept on purpose: ``tests/reference/att_*_fuse.npz`` hold its numbers.
        scale: Factor of all similarities.

    Attributes:
        height, width: Of the foreground, in positions.
        lines, columns: Of the background positions, ``k = lines * columns``.
    """

    def __init__(
        self,
        foreground: Tensor,
        background: Tensor,
        patch_size: int = 3,
        stride: int = 1,
        propagation: int = 1,
        scale: float = 1.0,
    ) -> None:
        self.patch, self.stride, self.reach = patch_size, stride, propagation // 2
        self.height, self.width = foreground.shape[-2:]
        height, width = background.shape[-2:]
        self.lines, self.columns = -(-height // stride), -(-width // stride)
        # Propagation looks beyond both ends of the flattened positions: rows of zeros lie there.
        self.extra_rows = -(-self.reach // self.width)
        self.extra_lines = -(-self.reach // self.columns)
        self.dtype = torch.promote_types(foreground.dtype, torch.float32)

        before, after = (patch_size - 1) // 2, patch_size // 2
        rows = (before + self.extra_rows, after + self.extra_rows)
        foreground = F.pad(foreground, (before, after, *rows))
        bottom = (self.lines - 1 + self.extra_lines) * stride + after - (height - 1)
        rows = (before + self.extra_lines * stride, bottom)
        background = F.pad(background, (before, after, *rows))
        self.line_length = background.shape[-1]
        product = product_type(foreground)
        self.foreground = foreground.to(product)
        self.background = F.pad(background.flatten(2), (0, patch_size - 1)).to(product)
        energy = background.to(self.dtype).square().sum(1, keepdim=True)
        energy = F.avg_pool2d(energy, patch_size, stride, divisor_override=1)[:, 0]
        # Clamping the square keeps the root's gradient finite where the patch is empty.
        norm = energy.clamp_min(_NORM_FLOOR**2).sqrt()
        in_map = norm.new_zeros(norm.shape[1], 1)  # 1 at the map's lines, 0 at the extra ones
        in_map[self.extra_lines : self.extra_lines + self.lines] = 1
        self.factor = (scale / norm) * in_map

    def rows(self, start: int, stop: int) -> Tensor:
        """Similarities of the foreground's rows ``start`` to ``stop``: ``(n, y, x, k)``."""
        reach, count = self.reach, self.lines * self.columns
        first, last = max(start - reach, 0), min(stop + reach, self.height)
        main = self._along_rows(first, last)
        if reach == 0:
            return main
        above = [self._row_beyond(row, first, main) for row in range(start - reach, 0)]
        below = [self._row_beyond(row, first, main) for row in range(self.height, stop + reach)]
        if above or below:
            main = torch.cat([*above, main, *below], dim=1)
        lines = main.unflatten(-1, (self.lines, self.columns))
        beyond = [
            _shifted(lines[..., line % self.lines, :], line // self.lines, -1)
            for line in (*range(-reach, 0), *range(self.lines, self.lines + reach))
        ]
        places = torch.cat([*beyond[:reach], main, *beyond[reach:]], dim=-1)
        return _total(
            places[:, j : j + stop - start, :, j * self.columns : j * self.columns + count]
            for j in range(2 * reach + 1)
        )

    def _along_rows(self, start: int, stop: int) -> Tensor:
        """Patch similarities, propagated along rows only: ``(n, y, x, k)``."""
        scores = self._patches(start - self.extra_rows, stop + self.extra_rows)
        if self.reach == 0:
            return scores
        scores = scores.flatten(1, 2)
        positions, places = (stop - start) * self.width, self.lines * self.columns
        first_position, first_place = self.extra_rows * self.width, self.extra_lines * self.columns
        total = _total(
            scores.narrow(1, first_position + j, positions).narrow(2, first_place + j, places)
            for j in range(-self.reach, self.reach + 1)
        )
        return total.unflatten(1, (stop - start, self.width))

    def _row_beyond(self, row: int, first: int, main: Tensor) -> Tensor:
        """Along columns, what precedes the first row is the last one, a column further left.

        It is taken from ``main``, rows of :meth:`_along_rows` from ``first`` on, if it is there.
        """
        inside = row % self.height
        if first <= inside < first + main.shape[1]:
            scores = main[:, inside - first : inside - first + 1]
        else:
            scores = self._along_rows(inside, inside + 1)
        return _shifted(scores, row // self.height, 2)

    def _patches(self, start: int, stop: int) -> Tensor:
        """Patch similarities, extra lines included: ``(n, y, x, k)``; extra rows are 0."""
        size, width, length = self.patch, self.width, self.line_length
        rows = stop - start
        slab = self.foreground[:, :, start + self.extra_rows : stop + self.extra_rows + size - 1]
        gram = torch.bmm(slab.flatten(2).transpose(1, 2), self.background).to(self.dtype)
        gram = gram.unflatten(1, (rows + size - 1, -1))
        count = gram.shape[-1] - (size - 1) * length
        gram = _total(
            gram[:, d : d + rows, :, d * length : d * length + count] for d in range(size)
        )
        count -= size - 1
        gram = _total(gram[:, :, d : d + width, d : d + count] for d in range(size))
        grid = gram.unflatten(-1, (-1, length))
        grid = grid[..., :: self.stride, : self.columns * self.stride : self.stride]
        scores = (grid * self.factor[:, None, None]).flatten(3)
        if start < 0:
            scores[:, :-start] = 0
        if stop > self.height:
            scores[:, self.height - stop :] = 0
        return scores


def known_patches(hole: Tensor, patch_size: int, stride: int) -> Tensor:
    """Where a whole background patch is known: ``(N, 1, h', w')`` to bool ``(N, h'', w'')``."""
    before, after = (patch_size - 1) // 2, patch_size // 2
    missing = F.pad((hole != 0).float(), (before, after, before, after))
    return F.max_pool2d(missing, patch_size, stride)[:, 0] == 0


def _shifted(scores: Tensor, by: int, dim: int) -> Tensor:
    """What is ``by`` positions further along ``dim``, and zeros beyond the ends."""
    length, after = scores.shape[dim], [0, 0] * (scores.ndim - 1 - dim % scores.ndim)
    by = max(-length, min(by, length))
    return F.pad(scores, (*after, -by, by))


def _total(parts: Iterable[Tensor]) -> Tensor:
    """Sum, adding in place from the second addition on."""
    first, *others = parts
    if not others:
        return first
    total = first + others[0]
    for part in others[1:]:
        total += part
    return total
