"""Random state in checkpoints, so that a resumed run draws what the cut-off run would have."""

import random
from typing import Any, cast

import numpy as np
import torch
from lightning import Callback

_State = tuple[str, np.ndarray, int, int, float]


class RandomState(Callback):
    """Stores and restores the state of Python's, NumPy's and PyTorch's generators.

    Everything is kept as numbers and tensors, because checkpoints are loaded without pickle.
    """

    def __init__(self) -> None:
        self._first = self.state_dict()

    def setup(self, *_: Any, **__: Any) -> None:
        """Begin as after the networks were made: Lightning seeds anew for several processes."""
        self.load_state_dict(self._first)

    def on_load_checkpoint(self, trainer: Any, pl_module: Any, checkpoint: dict[str, Any]) -> None:
        """Refuse a run that would draw otherwise than it was going to (``ValueError``)."""
        if "RandomState" not in checkpoint["callbacks"]:
            raise ValueError(
                "the checkpoint has no random state, as of a run without callbacks.random_state: "
                "~callbacks.random_state goes on with other random numbers"
            )

    def state_dict(self) -> dict[str, Any]:
        """Take the state of every generator."""
        version, numbers, gauss = random.getstate()
        name, keys, position, has_gauss, cached = cast(_State, np.random.get_state(legacy=True))
        return {
            "python": [version, list(numbers), gauss],
            "numpy": [name, torch.from_numpy(keys.astype(np.int64)), position, has_gauss, cached],
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Set every generator as it was."""
        version, numbers, gauss = state_dict["python"]
        random.setstate((version, tuple(numbers), gauss))
        name, keys, *rest = state_dict["numpy"]
        np.random.set_state((name, keys.numpy().astype(np.uint32), *rest))
        torch.set_rng_state(state_dict["torch"].cpu())
        if torch.cuda.is_available() and len(state_dict["cuda"]) == torch.cuda.device_count():
            torch.cuda.set_rng_state_all([state.cpu() for state in state_dict["cuda"]])
