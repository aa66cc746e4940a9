"""A file that does not complete as PyTorch does is found out."""

from pathlib import Path

import numpy as np
import pytest
import torch

from farfill import Generator
from farfill.export.network import Network
from farfill.export.parity import PICTURES, compare

FILE = Path("a.onnx")


def case():
    generator = Generator(2).eval()
    network = Network(generator)

    @torch.no_grad()
    def run(image, mask):
        return network(torch.from_numpy(image), torch.from_numpy(mask)).numpy()

    return generator, run


def test_three_photographs_of_three_sizes_are_compared():
    lines = [*compare(*case(), 16, FILE)]
    assert len({line.partition(":")[0] for line in lines}) == len(PICTURES) == 3
    assert "a.onnx on chelsea, 208 x 304: at most " in lines[1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda found, mask: found + 0.002 * mask,
        lambda found, mask: found + 1e-6 * (1 - mask),  # no known pixel may move at all
        lambda found, mask: np.where(mask > 0, np.nan, found),
        lambda found, mask: found[..., 1:],
    ],
)
def test_a_file_that_is_off_is_refused(spoil):
    generator, run = case()
    with pytest.raises(ValueError, match=r"a\.onnx on astronaut, 256 x 256 .*not kept"):
        next(compare(generator, lambda image, mask: spoil(run(image, mask), mask), 8, FILE))
