import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def save(tmp_path):
    """Write small pictures by their paths below the test's folder, and return that folder."""

    def write(*names, size=(12, 10), root=tmp_path):
        for number, name in enumerate(names):
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            pixels = np.full((*size, 3), number, np.uint8)
            Image.fromarray(pixels).save(root / name)
        return root

    return write
