"""Shift: every missing position copies its one best known patch (Shift-Net)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from farfill.attention.shapes import check_shapes, check_sizes
from farfill.attention.similarity import Similarity, known_patches
from farfill.op.sample import own_position, pick
from farfill.types import AttentionResult


class Shift(nn.Module):
    """Hard assignment in the place of the soft one.

    After Yan et al. 2018 (arXiv 1801.09392): the nearest known neighbour by cosine similarity is
    copied. The choice has no gradient; the copied feature has its own, as in that paper. It has
    no parameters and works on the features' own grid.

    Args:
        patch_size: Side of the patches that are compared; their centre is copied (that paper: 1).

    Raises:
        ValueError: If ``patch_size`` is less than 1.
    """

    def __init__(self, patch_size: int) -> None:
        super().__init__()
        if patch_size < 1:
            raise ValueError(f"expected `patch_size` to be at least 1, got {patch_size}")
        self.patch_size = patch_size

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Copy known features of ``background`` into the hole of ``foreground``.

        Args:
            foreground: ``(N, C, H, W)``; known positions keep it.
            background: ``(N, C, H, W)``.
            hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing; ``None``: every position
                copies, from anywhere.

        Returns:
            Features like ``foreground`` and offsets ``(N, 2, H, W)``, 0 at known positions.
            Where no patch is known, the features are 0 and the chosen position is 0.

        Raises:
            ValueError: If the shapes do not fit each other.
        """
        check_shapes(foreground, background, hole)
        if hole is not None:
            check_sizes(foreground, background)
        n, _, height, width = foreground.shape
        columns = background.shape[-1]
        weights = self.attend(foreground, background, hole).flatten(3)
        winner, found = weights.argmax(-1), weights.amax(-1)
        copied = pick(background, winner // columns, winner % columns) * found[:, None]
        chosen = torch.stack([winner // columns, winner % columns], dim=1)
        offsets = chosen - own_position(n, height, width, like=chosen)
        if hole is None:
            return AttentionResult(copied, offsets)
        missing = hole != 0
        return AttentionResult(torch.where(missing, copied, foreground), offsets * missing)

    @torch.no_grad()
    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """One 1 for the best known patch of every position, else 0: ``(N, h, w, h', w')``."""
        scores = Similarity(foreground, background, self.patch_size).rows(0, foreground.shape[-2])
        scores = scores.unflatten(-1, background.shape[-2:])
        if hole is not None:
            known = known_patches(hole, self.patch_size, 1)[:, None, None]
            scores = scores.masked_fill(~known, -torch.inf)
        flat = scores.flatten(3)
        best, winner = flat.max(-1, keepdim=True)
        chosen = torch.zeros_like(flat).scatter_(-1, winner, (best > -torch.inf).to(flat.dtype))
        return chosen.view_as(scores)
