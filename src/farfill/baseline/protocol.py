"""What it takes to fill holes."""

from typing import Protocol

from torch import Tensor

from farfill.types import Batch


class Inpainter(Protocol):
    """Completes pictures. It must not look at ``batch.image`` inside the hole."""

    def __call__(self, batch: Batch) -> Tensor:
        """Return ``(N, 3, H, W)`` in ``[-1, 1]``; known pixels are the input's, bit for bit."""
        ...
