"""A classical baseline as a generator, so that it fills whatever the network fills."""

import torch
from torch import Tensor, nn

from farfill.types import Batch, Completion
from farfill.types import Inpainter as Baseline


class Classical(nn.Module):
    """Completes as a baseline does; called as :class:`farfill.Generator` is, without offsets."""

    def __init__(self, baseline: Baseline) -> None:
        super().__init__()
        self.baseline = baseline

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Complete ``(N, 3, H, W)`` in ``[-1, 1]`` in its hole ``(N, 1, H, W)``, 1 = missing."""
        count, _, height, width = masked_image.shape
        box = torch.tensor([[0, 0, height, width]]).expand(count, 4)
        filled = self.baseline(Batch(masked_image, hole, hole, box, torch.arange(count)))
        return Completion(filled, filled, None)
