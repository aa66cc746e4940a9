"""Read checkpoints. Nothing in a file is ever executed: only tensors and plain values are read."""

import re
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Any, TypeGuard, get_type_hints
from zipfile import ZipFile

import torch
from torch import nn

from farfill import __version__
from farfill.text import one_line
from farfill.types import Completion

#: Version of what is in a checkpoint; raised when one can no longer be gone on with.
FORMAT = 3
#: Settings that an evaluation takes over from the run.
_TAKEN_OVER = {"data", "mask", "seed", "image_size", "box_size", "val_holes", "val_limit"}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a whole checkpoint of Farfill (else ``ValueError``) onto the processor."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"expected `ckpt_path` to be a checkpoint file, but {path} is none")
    try:
        with ZipFile(path) as archive:  # a few bytes can promise any size
            whole = sum(part.file_size for part in archive.infolist()) <= path.stat().st_size
        checkpoint = torch.load(path, map_location="cpu", weights_only=True) if whole else None
    except PermissionError:
        raise
    except Exception as error:  # damaged bytes end in nearly any kind of error
        raise ValueError(
            f"{path} is not a whole checkpoint (damaged, or not written by Farfill); "
            "name another one with ckpt_path, for example best.ckpt of the run"
        ) from error
    if not whole:
        raise ValueError(
            f"{path} promises more bytes than it has, and so is refused: Farfill's checkpoints are "
            "not compressed"
        )
    if not _is_ours(checkpoint):
        raise ValueError(f"{path} is a checkpoint, but not one of Farfill")
    return checkpoint


def _is_ours(checkpoint: Any) -> TypeGuard[dict[str, Any]]:
    if not isinstance(checkpoint, dict):
        return False
    ours, weights = checkpoint.get("farfill"), checkpoint.get("state_dict")
    # Version 0.1 counted on its own; weights that were never trained have no count.
    steps = checkpoint.get("generator_steps", checkpoint.get("global_step", 0))
    return (
        isinstance(ours, dict)
        and isinstance(ours.get("generator"), dict)
        and _is_plain(ours)
        and isinstance(weights, dict)
        and all(isinstance(name, str) and _is_whole(value) for name, value in weights.items())
        and type(steps) is int  # and no bool
        and steps >= 0
    )


def _is_plain(description: Any) -> bool:
    """Whether it is a tree of plain values; a pickle's lists may hold themselves, or billions."""
    rest, count = [(description, 0)], 0
    while rest:
        (node, depth), count = rest.pop(), count + 1
        if count > 10_000 or depth > 50:  # ours have hundreds, and less than ten
            return False
        if isinstance(node, dict):
            rest += [(one, depth + 1) for item in node.items() for one in item]
        elif isinstance(node, list):
            rest += [(one, depth + 1) for one in node]
        elif not isinstance(node, str | int | float | None):
            return False
    return True


def _is_whole(value: Any) -> bool:
    """Whether it is a tensor of real numbers, each of which the file has."""
    return (
        isinstance(value, torch.Tensor)
        and value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_complex()
        and not value.is_quantized
        and value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def describe(config: dict[str, Any]) -> dict[str, Any]:
    """What a checkpoint says of its weights; ``config`` is the run's, in plain values."""
    generator = config["generator"]
    return {"version": FORMAT, "written_by": __version__, "generator": generator, "config": config}


def check_format(checkpoint: Mapping[str, Any], path: str | Path) -> None:
    """Refuse with a ``ValueError`` to go on with a training that another version has begun."""
    ours = checkpoint["farfill"]
    version = ours.get("version")
    if version != FORMAT:
        wrote = ours.get("written_by", "0.1" if version == 1 else "of another kind")
        raise ValueError(
            f"{path} was written by Farfill {wrote}, and this is {__version__}, which counts "
            "in another way: no run can go on from it, but init_from starts another run from "
            "its weights, and evaluate and inpaint take it"
        )


def load_generator(path: str | Path) -> nn.Module:
    """Rebuild a checkpoint's generator, with its weights and in evaluation mode.

    It maps a masked image and its hole to a :class:`~farfill.types.Completion`.

    Raises:
        ValueError: If the file is not a whole checkpoint of Farfill.
    """
    return generator_of(read_checkpoint(path), path)


def generator_of(checkpoint: Mapping[str, Any], path: str | Path) -> nn.Module:
    """Do as :func:`load_generator` with a checkpoint that has been read; ``path`` names it."""
    config = checkpoint["farfill"]["generator"]
    with torch.device("meta"):  # where it takes no memory, however large it is said to be
        plan = _build_generator(config, path)
    _load(plan, checkpoint, "generator", path, assign=True)
    generator = _build_generator(config, path)
    _load(generator, checkpoint, "generator", path)
    return generator.eval()


def _build_generator(config: Mapping[str, Any], path: str | Path) -> nn.Module:
    try:
        generator = _build(config)
    except Exception as error:  # any value of a file's configuration may be anything
        reason = str(error).partition("\n")[0]  # PyTorch adds where in its code it was
        raise ValueError(f"cannot build the generator of {path}: {one_line(reason)}") from error
    if get_type_hints(generator.forward).get("return") is not Completion:
        raise ValueError(f"expected {path} to hold a Generator, got {type(generator).__name__}")
    return generator


def config_of(checkpoint: Mapping[str, Any], path: str | Path) -> dict[str, Any]:
    """The configuration of the run that made a checkpoint; ``path`` names it.

    One that is incomplete, or has an evaluation build other classes than ours, is refused
    (``ValueError``).
    """
    config = checkpoint["farfill"].get("config")
    data = config.get("datamodule") if isinstance(config, dict) else None
    if not isinstance(data, dict) or not {*config, *data} >= _TAKEN_OVER:
        raise ValueError(f"{path} does not say how its run was configured, so it cannot be scored")
    rest = [config["data"], config["mask"], data["val_holes"]]
    while rest:
        node = rest.pop()
        if isinstance(node, dict):
            rest += node.values()
            if "_target_" in node and _class_of(node["_target_"], "data|mask") is None:
                name = str(node["_target_"])[:80]
                raise ValueError(f"{path} may name Farfill's data and masks, not {name!r}")
        elif isinstance(node, list):
            rest += node
    return config


def _class_of(target: Any, rooms: str) -> type | None:
    """The class that a module in one of our rooms defines by this name; None if none does."""
    match = re.fullmatch(rf"(farfill\.(?:{rooms})\.\w+)\.(\w+)", str(target), re.ASCII)
    if match is None:
        return None
    try:
        found = getattr(import_module(match[1]), match[2])
    except (ImportError, AttributeError):
        return None
    return found if isinstance(found, type) and found.__module__ == match[1] else None


def load_weights(module: nn.Module, path: str | Path) -> None:
    """Take over the weights of ``module.generator`` and ``module.critics``, and nothing else."""
    checkpoint = read_checkpoint(path)
    for name in ("generator", "critics"):
        _load(module.get_submodule(name), checkpoint, name, path)


def _load(
    module: nn.Module,
    checkpoint: Mapping[str, Any],
    name: str,
    path: str | Path,
    assign: bool = False,
) -> None:
    prefix, state = f"{name}.", checkpoint["state_dict"]
    weights = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    try:
        module.load_state_dict(weights, assign=assign)
    except RuntimeError as error:
        reason = shorten(str(error).partition("\n")[2], 200, placeholder=" ...")
        raise ValueError(
            f"the weights in {path} are of another configuration ({reason}): "
            "use the run's own settings (its config.yaml)."
        ) from error


def _build(config: Mapping[str, Any]) -> nn.Module:
    """Build a generator or attention from plain values, like Hydra but for our classes only."""
    target = config.get("_target_")
    if not re.fullmatch(r"farfill\.(attention|generator)\.\w+\.\w+", str(target), re.ASCII):
        raise ValueError(f"a checkpoint may name Farfill's networks, not {target!r}")
    cls = _class_of(target, "attention|generator")
    if cls is None or not issubclass(cls, nn.Module):
        raise ValueError(f"the checkpoint needs {target}, which this version does not have")
    parts = {k: _build(v) if isinstance(v, Mapping) else v for k, v in config.items()}
    del parts["_target_"]
    try:
        return cls(**parts)
    except TypeError as error:
        raise ValueError(f"the checkpoint does not fit this version of Farfill: {error}") from error
