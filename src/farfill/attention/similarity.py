"""How well every foreground patch fits every background patch, a few rows at a time.

Patches are never laid out. With the Gram matrix ``G`` of all pixels, a patch's similarity is a sum
of ``G`` along a diagonal, separable into rows and columns, and so is propagation. The background's
positions lie along one axis without a gap, so that each of these sums is one long addition.

Shape letters: ``n`` batch, ``c`` channels, ``y x`` a foreground position, ``v u`` a background
position, both on the reduced grid, and ``k`` all of the latter, row by row.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.op.precision import product_type

_NORM_FLOOR = 1e-4  # of a background patch; max(norm, floor), not an epsilon under the root


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
            the end of a line to the start of the next, as the authors' code does.
        scale: Factor of all similarities.
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
        # Rows of zeros before the first and after the last: propagation looks beyond the ends.
        self.lead = -(-self.reach // self.columns)
        self.margin = -(-self.reach // self.width)
        self.dtype = torch.promote_types(foreground.dtype, torch.float32)

        before, after = (patch_size - 1) // 2, patch_size // 2
        sides = (before, after)
        self.foreground = F.pad(foreground, (*sides, before + self.margin, after + self.margin))
        bottom = (self.lines - 1 + self.lead) * stride + after - (height - 1)
        background = F.pad(background, (*sides, before + self.lead * stride, bottom))
        self.pitch = background.shape[-1]
        product = product_type(foreground)
        self.foreground = self.foreground.to(product)
        self.background = F.pad(background.flatten(2), (0, patch_size - 1)).to(product)
        norm = self._patch_norm(background)
        self.factor = (scale / norm) * self._inside(norm)

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
        before = [self._line_beyond(line, lines) for line in range(-reach, 0)]
        after = [self._line_beyond(line, lines) for line in range(self.lines, self.lines + reach)]
        places = torch.cat([*before, main, *after], dim=-1)
        return _total(
            places[:, j : j + stop - start, :, j * self.columns : j * self.columns + count]
            for j in range(2 * reach + 1)
        )

    def _along_rows(self, start: int, stop: int) -> Tensor:
        """Patch similarities, propagated along rows only: ``(n, y, x, k)``."""
        scores = self._patches(start - self.margin, stop + self.margin)
        if self.reach == 0:
            return scores
        count, own = self.lines * self.columns, (stop - start) * self.width
        total = _total(
            scores.flatten(1, 2)[
                :,
                self.margin * self.width + j : self.margin * self.width + j + own,
                self.lead * self.columns + j : self.lead * self.columns + j + count,
            ]
            for j in range(-self.reach, self.reach + 1)
        )
        return total.unflatten(1, (stop - start, self.width))

    def _row_beyond(self, row: int, first: int, main: Tensor) -> Tensor:
        """Going on along columns, a row above the first is the last one, a column further left.

        Args:
            row: Its number, negative or from the height on.
            first: Number of the first row of ``main``.
            main: Rows of :meth:`_along_rows`, where the row is taken from if it is there.
        """
        own = row % self.height
        if first <= own < first + main.shape[1]:
            found = main[:, own - first : own - first + 1]
        else:
            found = self._along_rows(own, own + 1)
        return _shifted(found, row // self.height, 2)

    def _line_beyond(self, line: int, lines: Tensor) -> Tensor:
        """The same for a line of the background, of all ``lines``."""
        return _shifted(lines[..., line % self.lines, :], line // self.lines, -1)

    def _patches(self, start: int, stop: int) -> Tensor:
        """Patch similarities: ``(n, y, x, lead and k and lead)``; rows outside the map are 0."""
        size, width = self.patch, self.width
        rows = stop - start
        slab = self.foreground[:, :, start + self.margin : stop + self.margin + size - 1]
        gram = torch.bmm(slab.flatten(2).transpose(1, 2), self.background).to(self.dtype)
        gram = gram.unflatten(1, (rows + size - 1, -1))
        long = gram.shape[-1] - (size - 1) * self.pitch
        gram = _total(
            gram[:, d : d + rows, :, d * self.pitch : d * self.pitch + long] for d in range(size)
        )
        long -= size - 1
        gram = _total(gram[:, :, d : d + width, d : d + long] for d in range(size))
        grid = gram.unflatten(-1, (-1, self.pitch))
        grid = grid[..., :: self.stride, : self.columns * self.stride : self.stride]
        scores = (grid * self.factor[:, None, None]).flatten(3)
        if start < 0:
            scores[:, :-start] = 0
        if stop > self.height:
            scores[:, self.height - stop :] = 0
        return scores

    def _patch_norm(self, padded: Tensor) -> Tensor:
        energy = padded.to(self.dtype).square().sum(1, keepdim=True)
        energy = F.avg_pool2d(energy, self.patch, self.stride, divisor_override=1)
        # Clamping the square keeps the root's gradient finite where the patch is empty.
        return energy.clamp_min(_NORM_FLOOR**2).sqrt()[:, 0]

    def _inside(self, norm: Tensor) -> Tensor:
        """1 at the map's own lines, 0 in those before and after: ``(v, 1)``."""
        inside = norm.new_zeros(norm.shape[1], 1)
        inside[self.lead : self.lead + self.lines] = 1
        return inside


def known_patches(hole: Tensor, patch_size: int, stride: int) -> Tensor:
    """Where a whole background patch is known: ``(N, 1, h', w')`` to bool ``(N, h'', w'')``."""
    before, after = (patch_size - 1) // 2, patch_size // 2
    missing = F.pad((hole != 0).float(), (before, after, before, after))
    return F.max_pool2d(missing, patch_size, stride)[:, 0] == 0


def _shifted(lines: Tensor, by: int, dim: int) -> Tensor:
    """What is ``by`` positions further along ``dim``, and zeros beyond the ends."""
    length, after = lines.shape[dim], [0, 0] * (lines.ndim - 1 - dim % lines.ndim)
    by = max(-length, min(by, length))
    return F.pad(lines, (*after, -by, by))


def _total(parts: Iterable[Tensor]) -> Tensor:
    first, *rest = parts
    if not rest:
        return first
    total = first + rest[0]
    for part in rest[1:]:
        total += part
    return total
