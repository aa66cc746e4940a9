"""Numbers made with the authors' own code (tests/reference/README.md)."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

REFERENCE = Path(__file__).parents[1] / "reference"


class Vectors:
    """Numbers made with the authors' code (tests/reference/README.md), as tensors N C H W."""

    def __init__(self, name: str, dtype: torch.dtype = torch.float32) -> None:
        with np.load(REFERENCE / f"{name}.npz") as arrays:
            self.arrays = dict(arrays)
        self.dtype = dtype

    def __contains__(self, key: str) -> bool:
        return key in self.arrays

    @property
    def params(self) -> dict[str, Any]:
        return json.loads(str(self.arrays["params"]))

    def array(self, key: str) -> np.ndarray:
        return self.arrays[key]

    def image(self, key: str) -> Tensor:
        """NHWC to NCHW in the dtype under test; None stays None."""
        return torch.from_numpy(self.arrays[key]).permute(0, 3, 1, 2).to(self.dtype)

    def tensor(self, key: str) -> Tensor:
        tensor = torch.from_numpy(self.arrays[key])
        return tensor.to(self.dtype) if tensor.is_floating_point() else tensor
