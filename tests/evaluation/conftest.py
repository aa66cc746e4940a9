"""A tiny data set: what a loader yields, again and again."""

from pathlib import Path

import pytest
import torch

from farfill.evaluation.manifest import build
from farfill.types import Batch
from helpers.holes import box_holes


@pytest.fixture
def batches():
    """Five pictures of 16 x 24 in batches of 2, 2, 1, holes all different."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(5, 3, 16, 24, generator=generator) * 2 - 1
    boxes = [(i, 2 * i, 8, 8) for i in range(5)]
    hole = box_holes(16, 24, *boxes)
    whole = Batch(image, hole, hole, torch.tensor(boxes), torch.arange(5))
    return [Batch(*(part[start : start + 2] for part in whole)) for start in (0, 2, 4)]


@pytest.fixture
def clusters():
    return ["0", "1", "2", "3", "4"]


@pytest.fixture
def paths():
    return [Path(f"/data/set/{'ab'[i % 2]}/picture{i}.jpg") for i in range(5)]


@pytest.fixture
def manifest(batches, paths, clusters):
    return build(batches, paths, clusters, seed=3, mask="box 8 x 8")
