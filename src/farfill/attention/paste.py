"""Put a picture together from overlapping patches of another, weighted by an attention.

The authors do it by a transposed convolution with the patches as filters: they take patches of
``2r x 2r`` pixels (``r`` the rate), lay each at its position times ``r``, sum what overlaps and
divide by 4. In cells of ``r x r`` pixels a patch is 2 x 2 cells, so every cell of the result is a
sum over cells of the background, weighted by the attention summed along the diagonal over 2 x 2
neighbours: one matrix product, and no patch is laid out.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.layer.convolution import same_padding
from farfill.op.runtime import product_type


class Paste:
    """Pasting of full-resolution background patches.

    Args:
        background: ``(N, C, H', W')``.
        rate: Rate of the reduced grid.
        stride: The attention's background positions are every ``stride``-th of that grid.
        known: ``(N, h'', w'')``, which of them may be borrowed from; the attention to others is 0.
            ``None``: all.
    """

    def __init__(
        self, background: Tensor, rate: int, stride: int = 1, known: Tensor | None = None
    ) -> None:
        n, channels, *size = background.shape
        self.rate, self.stride = rate, stride
        self.height, self.width = (-(-side // rate) for side in size)
        cells = (self.height + 1, self.width + 1)
        top, left = (same_padding(side, 2 * rate, rate)[0] for side in size)
        bottom, right = (
            cell * rate - side - lead
            for cell, side, lead in zip(cells, size, (top, left), strict=True)
        )
        source = F.pad(background, (left, right, top, bottom)) / 4  # the mean of 4 patches
        source = source.view(n, channels, cells[0], rate, cells[1], rate)
        source = source.permute(0, 2, 4, 1, 3, 5).flatten(3).flatten(1, 2)
        self.source = source.to(product_type(source))
        self.used: Tensor | None = None
        # In half precision the product is cheaper than taking columns out of its left side.
        if known is None or self.source.element_size() < 4:
            return
        # The cells of the background that any patch to borrow from covers.
        covered = F.pad(self._on_full_grid(known.any(0)), (1, 1, 1, 1))
        covered = covered[1:] | covered[:-1]
        covered = (covered[:, 1:] | covered[:, :-1]).flatten()
        used = covered.nonzero()[:, 0]
        if len(used) < 0.9 * len(covered):  # leaving out fewer does not pay
            self.used, self.source = used, self.source.index_select(1, used)

    def rows(self, attention: Tensor, above: int, below: int) -> Tensor:
        """Cells of the result that lie between rows of the attention ``(N, rows, w, h'', w'')``.

        ``above`` and ``below`` count rows beyond the map's ends, whose attention is 0, that go with
        them. The cells are ``(N, above + rows + below - 1, w + 1, C * rate * rate)``.
        """
        attention = self._on_full_grid(attention.to(self.source.dtype))
        # One column of zeros ends each line of the background and so begins the next.
        attention = F.pad(attention, (0, 1, 2, 1, 1, 1, above, below)).flatten(3)
        line, count = self.width + 1, (self.height + 1) * (self.width + 1)
        cells = attention[:, :, 1:, 1:] + attention[:, :, :-1, :-1]
        here, over = (cells[..., start : start + count] for start in (2 * line - 1, line - 1))
        cells = here[:, 1:] + over[:, :-1]
        if self.used is not None:
            cells = cells.flatten(0, 2).index_select(1, self.used).unflatten(0, cells.shape[:3])
        pasted = torch.bmm(cells.flatten(1, 2), self.source)
        return pasted.unflatten(1, cells.shape[1:3])

    def _on_full_grid(self, positions: Tensor) -> Tensor:
        """Put ``(..., h'', w'')`` onto ``(..., h', w')``, zeros (or False) in between."""
        if self.stride == 1:
            return positions
        full = positions.new_zeros(*positions.shape[:-2], self.height, self.width)
        full[..., :: self.stride, :: self.stride] = positions
        return full


def assemble(cells: Tensor, rate: int, corner: tuple[int, int], size: tuple[int, int]) -> Tensor:
    """Lay cells of side ``rate`` next to each other and cut out a rectangle.

    ``(N, rows, columns, C * rate * rate)`` to ``(N, C, *size)``, from row and column ``corner`` on.
    """
    n, rows, columns, _ = cells.shape
    image = cells.view(n, rows, columns, -1, rate, rate).permute(0, 3, 1, 4, 2, 5)
    image = image.reshape(n, -1, rows * rate, columns * rate)
    (top, left), (height, width) = corner, size
    return image[..., top : top + height, left : left + width]
