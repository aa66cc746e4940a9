import numpy as np
import pytest
from PIL import Image

from farfill.data.protocol import Split
from farfill.mask.box import Box


class Pictures:
    """A source of given files."""

    cache = False
    cluster = None
    resize = None
    shrink = True
    on_error = "raise"
    max_file_pixels = 10_000

    def __init__(self, train, val, **changes):
        self.sides = Split(train, val)
        self.__dict__.update(changes)

    def split(self, train=True):
        return self.sides


@pytest.fixture
def paths(tmp_path):
    """Five pictures of noise, 24 x 32."""
    rng = np.random.default_rng(0)
    files = [tmp_path / f"{number}.png" for number in range(5)]
    for path in files:
        Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).save(path)
    return files


@pytest.fixture
def pictures():
    return Pictures


@pytest.fixture
def box():
    return Box(8, 8, 0, 0, 0.5, 0.5)
