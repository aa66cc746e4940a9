"""The mean colour, a floor that everything else should beat."""

import torch
from torch import Tensor

from farfill.types import Batch


class MeanColour:
    """Fill each hole with the mean colour of its picture's known pixels."""

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``."""
        known = (1 - batch.hole).sum((2, 3), keepdim=True)
        colour = batch.masked.sum((2, 3), keepdim=True) / known
        return torch.where(batch.hole.bool(), colour, batch.image)
