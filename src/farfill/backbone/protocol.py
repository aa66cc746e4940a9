"""What every backbone offers to the losses."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor


class Backbone(Protocol):
    """Turns pictures into features; its own weights never change."""

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Return features ``(N, C, h, w)`` of the chosen layers, from shallow to deep.

        Args:
            image: ``(N, 3, H, W)`` in ``[-1, 1]``.
        """
        ...
