"""What every attention layer offers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from farfill.types import AttentionResult


class Attention(Protocol):
    """Rebuilds the features of the hole from those of the known region; a ``torch.nn.Module``."""

    def __call__(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None
    ) -> AttentionResult:
        """Borrow from ``background`` for every position of ``foreground``.

        Args:
            foreground: ``(N, C, H, W)``, the features to rebuild.
            background: ``(N, C, H', W')``, the features to borrow from.
            hole: ``(N, 1, H', W')`` or ``(1, 1, H', W')``, 1 = missing; ``None``: nothing is.
        """
        ...
