"""Contextual attention: borrow features from far-away known places (paper, section 4).

The same numbers as the authors' code, by cheaper algebra: patch similarities are diagonal sums of
the pixel Gram matrix, and pasting overlapping patches is one matrix product per output phase.

Shape letters: ``n`` batch, ``c`` channels, ``y x`` a foreground position and ``v u`` a background
position, both on the reduced grid, ``r`` the rate.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farfill.attention.shapes import check_shapes
from farfill.layer.convolution import same_padding
from farfill.op.resize import reduce_nearest
from farfill.types import AttentionResult

_NORM_FLOOR = 1e-4  # of a background patch; max(norm, floor), not an epsilon under the root


class ContextualAttention(nn.Module):
    """Soft matching of foreground patches to known background patches, and pasting of those.

    It has no parameters. Every sample is treated on its own, with its own hole.

    Args:
        patch_size: Side of the patches that are compared, on the reduced grid (at least 1).
        rate: How much smaller the grid is on which patches are compared (at least 1). The pasted
            patches are ``2 * rate`` wide and taken at full resolution.
        stride: Background patches are taken at every ``stride``-th row and column of the reduced
            grid, starting with the first (section 4.1: fewer patches, less work).
        propagation: Side of the identity kernel that lets neighbouring positions agree to
            borrow from neighbouring places (odd), or ``None`` for none.
        softmax_scale: Factor of the similarities before the softmax.

    Raises:
        ValueError: If a parameter is out of its range.
    """

    def __init__(
        self,
        patch_size: int = 3,
        rate: int = 2,
        stride: int = 1,
        propagation: int | None = 3,
        softmax_scale: float = 10.0,
    ) -> None:
        super().__init__()
        for name, value in (("patch_size", patch_size), ("rate", rate), ("stride", stride)):
            if value < 1:
                raise ValueError(f"expected `{name}` to be at least 1, got {value}")
        if propagation is not None and (propagation < 1 or propagation % 2 == 0):
            raise ValueError(f"expected `propagation` to be odd or None, got {propagation}")
        self.patch_size = patch_size
        self.rate = rate
        self.stride = stride
        self.propagation = propagation
        self.softmax_scale = softmax_scale

    def extra_repr(self) -> str:
        """Show the parameters in ``print(module)``."""
        names = ("patch_size", "rate", "stride", "propagation", "softmax_scale")
        return ", ".join(f"{name}={getattr(self, name)}" for name in names)

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Rebuild ``foreground`` from known patches of ``background``.

        Args:
            foreground: ``(N, C, H, W)``.
            background: ``(N, C, H', W')``.
            hole: ``(N, 1, H', W')`` or ``(1, 1, H', W')``, 1 = missing, or ``None``. A patch that
                holds any non-zero value is not borrowed from.

        Returns:
            Features shaped like ``foreground`` and offsets ``(N, 2, ceil(H/rate), ceil(W/rate))``.
            Where no background patch is known, the features are 0 and the chosen position is 0.

        Raises:
            ValueError: If the shapes do not fit each other.
        """
        check_shapes(foreground, background, hole)
        attention = self.attend(foreground, background, hole)
        return AttentionResult(
            paste(attention, background, foreground.shape[-2:], self.rate, self.stride),
            chosen_offsets(attention, self.stride),
        )

    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """The attention itself: ``(N, h, w, h', w')``, non-negative, at most 1 over ``h' w'``."""
        scores = match(
            reduce_nearest(foreground, self.rate),
            reduce_nearest(background, self.rate),
            self.patch_size,
            self.stride,
        )
        if self.propagation is not None:
            scores = propagate(scores, self.propagation)
        if hole is None:
            return _softmax(scores * self.softmax_scale)
        valid = known_patches(reduce_nearest(hole, self.rate), self.patch_size, self.stride)
        valid = valid[:, None, None].to(scores.dtype)
        # Masked patches keep a logit of 0 and so a share of the sum; only then they are dropped.
        return _softmax(scores * valid * self.softmax_scale) * valid


def match(foreground: Tensor, background: Tensor, patch_size: int, stride: int) -> Tensor:
    """Similarity of every foreground patch with every background patch of unit length.

    Args:
        foreground: ``(N, C, h, w)``.
        background: ``(N, C, h', w')``.
        patch_size: Side of a patch; outside the map there are zeros.
        stride: Grid of the background patches.

    Returns:
        ``(N, h, w, ceil(h'/stride), ceil(w'/stride))``.
    """
    before, after = (patch_size - 1) // 2, patch_size // 2
    f, b = (F.pad(x, (before, after, before, after)) for x in (foreground, background))
    gram = torch.bmm(f.flatten(2).transpose(1, 2), b.flatten(2))
    gram = gram.view(-1, *f.shape[-2:], *b.shape[-2:])
    (h, w), (v, u) = foreground.shape[-2:], background.shape[-2:]
    gram = _total(gram[:, d : d + h, :, d : d + v : stride] for d in range(patch_size))
    gram = _total(gram[:, :, d : d + w, :, d : d + u : stride] for d in range(patch_size))
    return gram / _patch_norm(b, patch_size, stride)[:, None, None]


def propagate(scores: Tensor, width: int) -> Tensor:
    """Sum scores along the diagonal: neighbours that borrow from neighbours back each other.

    Runs over the flattened positions, first row by row, then column by column, and so wraps from
    the end of a line to the start of the next, as the authors' code does.

    Args:
        scores: ``(N, h, w, h', w')``.
        width: Number of diagonal neighbours that are summed, itself included (odd).
    """
    scores = _diagonal_sum(scores, width).permute(0, 2, 1, 4, 3)
    return _diagonal_sum(scores, width).permute(0, 2, 1, 4, 3)


def known_patches(hole: Tensor, patch_size: int, stride: int) -> Tensor:
    """Where a whole background patch is known: ``(N, 1, h', w')`` to bool ``(N, h'', w'')``."""
    before, after = (patch_size - 1) // 2, patch_size // 2
    missing = F.pad((hole != 0).float(), (before, after, before, after))
    return F.max_pool2d(missing, patch_size, stride)[:, 0] == 0


def paste(
    attention: Tensor, background: Tensor, size: Sequence[int], rate: int, stride: int
) -> Tensor:
    """Paste full-resolution background patches, weighted by the attention.

    The authors take ``2r x 2r`` patches, lay each at its position times ``r``, sum overlaps and
    divide by 4. An output pixel of phase ``a = Y mod r`` meets just 2 x 2 of them, so with
    neighbouring attention values summed along the diagonal each phase is one matrix product.

    Args:
        attention: ``(N, h, w, h'', w'')``.
        background: ``(N, C, H', W')``.
        size: Height and width of the result.
        rate: Rate of the reduced grid.
        stride: Grid of the background patches.

    Returns:
        ``(N, C, *size)``.
    """
    n, channels, height, width = background.shape
    attention = _on_full_grid(attention, -(-height // rate), -(-width // rate), stride)
    n, h, w, v, u = attention.shape
    # Every patch covers two neighbouring cells of rate x rate pixels in each direction.
    padded = F.pad(attention, (1, 1, 1, 1, 1, 1, 1, 1))
    cells = padded[:, 1:, :, 1:] + padded[:, :-1, :, :-1]
    cells = cells[:, :, 1:, :, 1:] + cells[:, :, :-1, :, :-1]

    top, left = (same_padding(s, 2 * rate, rate)[0] for s in (height, width))
    source = F.pad(
        background,
        (left, (u + 1) * rate - width - left, top, (v + 1) * rate - height - top),
    )
    source = source.view(n, channels, v + 1, rate, u + 1, rate).permute(0, 2, 4, 1, 3, 5)
    pasted = torch.bmm(
        cells.reshape(n, (h + 1) * (w + 1), (v + 1) * (u + 1)),
        source.reshape(n, (v + 1) * (u + 1), channels * rate * rate),
    )
    pasted = pasted.view(n, h + 1, w + 1, channels, rate, rate).permute(0, 3, 1, 4, 2, 5)
    pasted = pasted.reshape(n, channels, (h + 1) * rate, (w + 1) * rate)
    top, left = (same_padding(s, 2 * rate, rate)[0] for s in size)
    return pasted[..., top : top + size[0], left : left + size[1]] / 4


def chosen_offsets(attention: Tensor, stride: int) -> Tensor:
    """Row and column of the strongest background position minus the own one: ``(N, 2, h, w)``."""
    _, h, w, _, u = attention.shape
    winner = attention.detach().flatten(3).argmax(-1)
    rows = torch.arange(h, device=winner.device)[:, None]
    columns = torch.arange(w, device=winner.device)
    return torch.stack([winner // u * stride - rows, winner % u * stride - columns], dim=1)


def _patch_norm(padded: Tensor, patch_size: int, stride: int) -> Tensor:
    energy = padded.square().sum(1, keepdim=True)
    energy = F.avg_pool2d(energy, patch_size, stride, divisor_override=1)
    # Clamping the square keeps the root's gradient finite where the patch is empty.
    return energy.clamp_min(_NORM_FLOOR**2).sqrt()[:, 0]


def _diagonal_sum(scores: Tensor, width: int) -> Tensor:
    n, h, w, v, u = scores.shape
    reach = width // 2
    padded = F.pad(scores.reshape(n, h * w, v * u), (reach, reach, reach, reach))
    total = _total(padded[:, j : j + h * w, j : j + v * u] for j in range(width))
    return total.view(n, h, w, v, u)


def _total(parts: Iterable[Tensor]) -> Tensor:
    return reduce(torch.add, parts)


def _softmax(scores: Tensor) -> Tensor:
    return scores.flatten(3).softmax(-1).view_as(scores)


def _on_full_grid(attention: Tensor, height: int, width: int, stride: int) -> Tensor:
    if stride == 1:
        return attention
    full = attention.new_zeros(*attention.shape[:3], height, width)
    full[..., ::stride, ::stride] = attention
    return full
