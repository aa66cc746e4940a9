import pytest
import torch

from farfill.types import Batch, Completion
from helpers.holes import box_holes


@pytest.fixture
def batch():
    """Two pictures of 12 x 16, each with a hole in an unshrunk box of its own."""
    hole = box_holes(12, 16, (3, 4, 4, 6), (6, 8, 4, 6))
    boxes = (2, 3, 6, 8), (5, 7, 6, 8)
    image = torch.rand(2, 3, 12, 16) * 2 - 1
    return Batch(image, hole, box_holes(12, 16, *boxes), torch.tensor(boxes), torch.arange(2))


@pytest.fixture
def completion():
    coarse, refined = (torch.rand(2, 3, 12, 16) * 2 - 1 for _ in range(2))
    return Completion(coarse.requires_grad_(), refined.requires_grad_(), None)
