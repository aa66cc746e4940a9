"""Read checkpoints. Nothing in a file is ever executed: only tensors and plain values are read."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

import torch
from torch import nn

from farfill.types import Completion

_TARGET = re.compile(r"farfill\.(attention|generator)\.(\w+)\.(\w+)")


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a checkpoint of Farfill onto the processor.

    Raises:
        ValueError: If there is no such file, or it is not a whole checkpoint of Farfill.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"expected `ckpt_path` to be a checkpoint file, but {path} is none")
    try:
        checkpoint = torch.load(path, map_location="cpu", weights_only=True)
    except PermissionError:
        raise
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        raise ValueError(
            f"{path} is not a whole checkpoint (damaged, or not written by Farfill); "
            "try another one, for example last.ckpt or best.ckpt of the run"
        ) from error
    if not _is_ours(checkpoint):
        raise ValueError(f"{path} is a checkpoint, but not one of Farfill")
    return checkpoint


def _is_ours(checkpoint: Any) -> bool:
    if not isinstance(checkpoint, dict):
        return False
    ours, weights = checkpoint.get("farfill"), checkpoint.get("state_dict")
    return (
        isinstance(ours, dict)
        and isinstance(ours.get("generator"), dict)
        and isinstance(weights, dict)
        and all(isinstance(value, torch.Tensor) for value in weights.values())
        and isinstance(checkpoint.get("generator_steps"), int)
    )


def load_generator(path: str | Path) -> nn.Module:
    """Rebuild the generator of a checkpoint, with its weights, ready to complete pictures.

    Returns:
        A network of ``farfill.generator`` in evaluation mode: masked image and hole to
        :class:`~farfill.types.Completion`.

    Raises:
        ValueError: If the file is not a whole checkpoint of Farfill.
    """
    return generator_of(read_checkpoint(path), path)


def generator_of(checkpoint: Mapping[str, Any], path: str | Path) -> nn.Module:
    """Do as :func:`load_generator` with a checkpoint that has been read; ``path`` names it."""
    generator = _build(checkpoint["farfill"]["generator"])
    if get_type_hints(generator.forward).get("return") is not Completion:
        raise ValueError(f"expected {path} to hold a Generator, got {type(generator).__name__}")
    _load(generator, _part(checkpoint["state_dict"], "generator."), path)
    return generator.eval()


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Take over the weights of both networks, and nothing else, from a checkpoint.

    Args:
        module: Has the attributes ``generator`` and ``critics``.
        path: A checkpoint of a run with networks of the same shape.

    Raises:
        ValueError: If the file is not a checkpoint of Farfill or its networks do not fit.
    """
    weights = read_checkpoint(path)["state_dict"]
    for name in ("generator", "critics"):
        _load(module.get_submodule(name), _part(weights, f"{name}."), path)


def _part(weights: Mapping[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {k.removeprefix(prefix): v for k, v in weights.items() if k.startswith(prefix)}


def _load(module: nn.Module, weights: Mapping[str, torch.Tensor], path: str | Path) -> None:
    try:
        module.load_state_dict(weights)
    except RuntimeError as error:
        reason = str(error).splitlines()[1].strip()
        raise ValueError(
            f"the weights in {path} are of another configuration: {reason} "
            "Use the run's own settings (its config.yaml)."
        ) from error


def _build(config: Mapping[str, Any]) -> nn.Module:
    """Build a generator or attention from plain values, like Hydra but for our classes only."""
    match = _TARGET.fullmatch(str(config.get("_target_")))
    if match is None:
        raise ValueError(
            f"a checkpoint may name Farfill's networks, not {config.get('_target_')!r}"
        )
    group, stem, name = match.groups()
    arguments = {
        key: _build(value) if isinstance(value, Mapping) else value
        for key, value in config.items()
        if key != "_target_"
    }
    try:
        cls = getattr(import_module(f"farfill.{group}.{stem}"), name)
    except (ImportError, AttributeError) as error:
        raise ValueError(
            f"the checkpoint needs farfill.{group}.{stem}.{name}, which this version does not have"
        ) from error
    if not (isinstance(cls, type) and issubclass(cls, nn.Module)):
        raise ValueError(f"a checkpoint may name Farfill's networks, not {config['_target_']!r}")
    try:
        return cls(**arguments)
    except TypeError as error:
        raise ValueError(f"the checkpoint does not fit this version of Farfill: {error}") from error
