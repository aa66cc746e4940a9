"""Farfill: generative image inpainting with contextual attention, exact and complete.

The public names are loaded on first use, so that ``import farfill`` costs next to nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from farfill.attention.contextual import ContextualAttention
    from farfill.checkpoint import load_generator
    from farfill.generator.tensorflow import load_tensorflow_generator, swap_red_and_blue
    from farfill.generator.two_stage import Generator
    from farfill.inpainting.fill import fill
    from farfill.inpainting.inpainter import Inpainter
    from farfill.weights.publish import published

__version__ = "0.2.0"

_HOME = {
    "ContextualAttention": "farfill.attention.contextual",
    "Generator": "farfill.generator.two_stage",
    "Inpainter": "farfill.inpainting.inpainter",
    "fill": "farfill.inpainting.fill",
    "load_generator": "farfill.checkpoint",
    "load_tensorflow_generator": "farfill.generator.tensorflow",
    "published": "farfill.weights.publish",
    "swap_red_and_blue": "farfill.generator.tensorflow",
}

__all__ = [
    "ContextualAttention",
    "Generator",
    "Inpainter",
    "fill",
    "load_generator",
    "load_tensorflow_generator",
    "published",
    "swap_red_and_blue",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'farfill' has no attribute {name!r}; it has {sorted(_HOME)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
