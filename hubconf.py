"""Entry points for torch.hub; a clone will do as well as an address on GitHub.

generator = torch.hub.load("path/to/clone", "generator", "best.ckpt", source="local")
"""

# torch.hub lists every callable of this file, so that modules are imported and no classes.
import pathlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

# torch.hub names those that are missing.
dependencies = ["torch", "numpy", "pydantic", "safetensors"]

# The hub runs this file where it lies and installs nothing. An installed Farfill comes first.
sys.path.append(str(pathlib.Path(__file__).parent / "src"))


def generator(name_or_path: str | pathlib.Path) -> "nn.Module":
    """A generator with its weights, in evaluation mode: see :func:`farfill.load_generator`.

    It maps masked pictures ``(N, 3, H, W)`` in ``[-1, 1]`` and holes ``(N, 1, H, W)``, 1 = missing,
    to a :class:`farfill.types.Completion`.
    """
    from farfill import load_generator

    return load_generator(name_or_path)


def contextual_attention(**numbers: float | None) -> "nn.Module":
    """The layer alone, which has no weights: see :class:`farfill.ContextualAttention`."""
    from farfill import ContextualAttention

    return ContextualAttention(**numbers)  # which checks them
