"""Shift: every missing position copies its one best known patch (Shift-Net)."""

import torch
from torch import Tensor, nn

from farfill.attention.protocol import check_features
from farfill.attention.similarity import Similarity, band, known_patches
from farfill.op.spatial import pick, pixel_positions
from farfill.types import AttentionResult


class Shift(nn.Module):
    """Hard assignment in the place of the soft one.

    After Yan et al. 2018 (arXiv 1801.09392): the nearest known neighbour by cosine similarity is
    copied. The choice has no gradient; the copied feature has its own, as in that paper. It has
    no parameters and works on the features' own grid.

    Args:
        patch_size: Side of the patches that are compared, at least 1 as in that paper; their
            centre is copied.
        guidance: Weight of the guidance loss (Shift-Net: 0.01), which trains the features that are
            matched, see :meth:`farfill.generator.two_stage.Generator.guidance`. 0: none.

    Raises:
        ValueError: If ``patch_size`` is below 1 or ``guidance`` negative.
    """

    def __init__(self, patch_size: int, guidance: float = 0.0) -> None:
        super().__init__()
        if patch_size < 1:
            raise ValueError(f"expected `patch_size` to be at least 1, got {patch_size}")
        if guidance < 0:
            raise ValueError(f"expected `guidance` from 0, got {guidance}")
        self.patch_size = patch_size
        self.guidance = guidance

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Copy known features of ``background`` into the hole of ``foreground``, of the same size.

        Arguments as of :class:`~farfill.attention.protocol.Attention`; without a hole every
        position copies, from anywhere. Known positions keep their feature, with an offset of 0.
        Where no patch is known, the features are 0 and the chosen position is 0.
        """
        check_features(foreground, background, hole, one_size=hole is not None)
        n, _, height, width = foreground.shape
        columns = background.shape[-1]
        winner, any_known = self._choose(foreground, background, hole)
        row, column = winner // columns, winner % columns
        copied = pick(background, row, column) * any_known[:, None]
        offsets = torch.stack([row, column], dim=1) - pixel_positions(n, height, width, like=winner)
        if hole is None:
            return AttentionResult(copied, offsets)
        missing = hole != 0
        return AttentionResult(torch.where(missing, copied, foreground), offsets * missing)

    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """1 for the best known patch of every position, else 0: ``(N, h, w, h', w')``."""
        winner, any_known = self._choose(foreground, background, hole)
        height, width = background.shape[-2:]
        chosen = foreground.new_zeros(*winner.shape, height * width)
        chosen.scatter_(-1, winner[..., None], any_known[..., None].to(chosen.dtype))
        return chosen.unflatten(-1, (height, width))

    @torch.no_grad()
    def _choose(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """The best known place of every position and whether there is any: ``(N, h, w)`` each."""
        n, _, height, width = foreground.shape
        row = width * background[0, 0].numel() * max(foreground.element_size(), 4)
        samples, rows = band(height, row, foreground.device)
        if hole is None:
            usable = background.new_ones(n, background[0, 0].numel(), dtype=torch.bool)
        else:
            usable = known_patches(hole, self.patch_size, 1).expand(n, -1, -1).flatten(1)
        bands = []
        for i in range(0, n, samples):
            part = slice(i, i + samples)
            similarity = Similarity(foreground[part], background[part], self.patch_size)
            for start in range(0, height, rows):
                scores = similarity.rows(start, min(start + rows, height))
                best = scores.masked_fill(~usable[part, None, None], -torch.inf).max(-1)
                bands.append([x.flatten(0, 1) for x in (best.indices, best.values > -torch.inf)])
        # Bands of rows, sample after sample.
        winner, any_known = (torch.cat(x).view(n, height, -1) for x in zip(*bands, strict=True))
        return winner, any_known
