"""What every reconstruction or auxiliary loss offers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from farfill.types import Batch, Completion


class Loss(Protocol):
    """One idea of what a good completion is, as weighted scalars."""

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return named scalars, already weighted: their sum is what is minimised."""
        ...
