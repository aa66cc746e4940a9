"""Read checkpoints. Nothing in a file is ever executed: only tensors and plain values are read."""

import json
import logging
import math
import random
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from textwrap import shorten
from typing import Annotated, Any, Literal, Self, TypeGuard, get_type_hints
from zipfile import ZipFile

import numpy as np
import torch
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError, model_validator
from torch import nn

from farfill import __version__
from farfill.text import one_line
from farfill.types import Completion
from farfill.weights.file import read_weights
from farfill.weights.find import find_weights

#: Version of what is in a checkpoint; raised when one can no longer be gone on with.
FORMAT = 3
#: Settings that an evaluation takes over from the run.
_TAKEN_OVER = {"data", "mask", "seed", "image_size", "box_size", "val_holes", "val_limit"}


def read_checkpoint(path: str | Path) -> dict[str, Any]:
    """Read a whole checkpoint, or a generator's weights alone, onto the processor.

    Args:
        path: What :func:`~farfill.weights.find.find_weights` finds.

    Returns:
        What the file holds; of weights alone ``farfill`` and ``state_dict``, and
        ``generator_only``, which is then True.

    Raises:
        ValueError: It is not a whole file of Farfill.
    """
    path = find_weights(path)
    checkpoint = read_weights(path) if path.suffix == ".safetensors" else _read_archive(path)
    if not _is_ours(checkpoint):
        raise ValueError(f"{path} is a checkpoint, but not one of Farfill")
    for name, value in checkpoint["state_dict"].items():
        if not _is_finite(value):
            raise ValueError(
                f"the weight {name[:80]} in {path} is NaN or infinite, so nothing can be computed "
                "with it: name another checkpoint, for example best.ckpt of the run"
            )
    refuse_interpolations(checkpoint["farfill"], path)
    if checkpoint.get("generator_only") is True:  # and so no count that another version made
        checkpoint["farfill"]["version"] = FORMAT
    return checkpoint


def _read_archive(path: Path) -> Any:
    try:
        with ZipFile(path) as archive:  # a few bytes can promise any size
            parts = archive.infolist()
            whole = sum(part.file_size for part in parts) <= path.stat().st_size
            # PyTorch looks at no checksums, and reads nothing where a bit says it is a folder.
            folders = any(part.external_attr & 0x10 for part in parts)
            damaged = folders or (whole and archive.testzip() is not None)
        good = whole and not damaged
        checkpoint = torch.load(path, map_location="cpu", weights_only=True) if good else None
    except PermissionError:
        raise
    except Exception as error:  # damaged bytes end in nearly any kind of error
        raise ValueError(
            f"{path} is not a whole checkpoint (damaged, or not written by Farfill); "
            "name another one, for example best.ckpt of the run"
        ) from error
    if not whole:
        raise ValueError(
            f"{path} promises more bytes than it has, and so is refused: Farfill's checkpoints are "
            "not compressed"
        )
    if damaged:
        raise ValueError(
            f"{path} is damaged: its bytes do not have the checksums that they were written with; "
            "name another one, for example best.ckpt of the run"
        )
    return checkpoint


def refuse_interpolations(settings: Any, path: str | Path, name: str = "") -> None:
    """Refuse settings of a file that would be looked up elsewhere, in the environment for example.

    Raises:
        ValueError: A text below ``settings`` has ``${``; what it says is not shown.
    """
    if isinstance(settings, str) and "${" in settings:
        raise ValueError(
            f"{path} may not refer to other values, but its setting {name[:80]} does, with ${{: "
            "write the value itself"
        )
    parts = enumerate(settings) if isinstance(settings, list) else ()
    for key, value in settings.items() if isinstance(settings, Mapping) else parts:
        refuse_interpolations(value, path, f"{name}.{key}" if name else str(key))


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


def _is_finite(value: torch.Tensor) -> bool:
    return not value.is_floating_point() or bool(value.float().isfinite().all())


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


def load_generator(path: str | Path, **options: Any) -> nn.Module:
    """Rebuild a generator of a file, with its weights and in evaluation mode.

    It maps a masked image and its hole to a :class:`~farfill.types.Completion`.

    Args:
        path: A checkpoint, a ``.safetensors`` file, a folder of ``save_pretrained``, the name of
            weights that come with Farfill, or ``hf://user/model@revision``.
        options: Of huggingface_hub, see :func:`~farfill.weights.find.find_weights`.

    Raises:
        ValueError: If that is not there, or not a whole file of Farfill.
    """
    return generator_of(read_checkpoint(find_weights(path, **options)), path)


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


def load_weights(module: Any, path: str | Path) -> None:
    """Take over the weights of ``module.generator`` and ``module.critics``, and nothing else.

    Files of weights alone have no critics; these start anew. So do critics for another size of
    pictures or boxes, or of another width, and a warning says so if they are to learn.
    """
    checkpoint = read_checkpoint(path)
    _load(module.get_submodule("generator"), checkpoint, "generator", path)
    if checkpoint.get("generator_only") is True:
        return
    critics, state = module.get_submodule("critics"), checkpoint["state_dict"]
    own = {f"critics.{name}": value.shape for name, value in critics.state_dict().items()}
    kept = {name: value.shape for name, value in state.items() if name.startswith("critics.")}
    if own.keys() == kept.keys() and own != kept:
        if module.gan.critic_steps:
            logging.getLogger(__name__).warning(
                "The critics in %s are for another image_size, box_size or critic_channels, and "
                "start anew.",
                path,
            )
    else:
        _load(critics, checkpoint, "critics", path)


def check_training(module: Any, checkpoint: Mapping[str, Any], path: Path) -> None:
    """Take over a checkpoint's weights, and look at the rest of what Lightning will go on with.

    Args:
        module: A :class:`~farfill.module.inpainting.Inpainting`.
        checkpoint: See :func:`read_checkpoint`.
        path: Names it.

    Raises:
        ValueError: A part of it is missing, not finite, or of another module, so that the run would
            fail, or go on otherwise than it was.
    """
    _load(module, checkpoint, "", path)
    try:
        saved = _Training.model_validate(checkpoint)
        if random_state := saved.callbacks.get("RandomState"):
            _try_random_state(random_state)
        players: Any = zip(
            *module.configure_optimizers(), saved.optimizer_states, saved.lr_schedulers, strict=True
        )
        for optimizer, schedule, state, counts in players:
            if not _is_like(state["param_groups"], optimizer.state_dict()["param_groups"]):
                raise ValueError("the optimizer's settings are of another kind")
            optimizer.load_state_dict(state)
            _check_optimizer(optimizer)
            if not _is_like(counts, schedule.state_dict()):
                raise ValueError("the schedule's counts are of another kind")
    except Exception as error:  # any part may be anything
        reason = str(error)
        if isinstance(error, ValidationError):
            first = error.errors()[0]
            reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
        elif not isinstance(error, ValueError):
            reason = f"{type(error).__name__}: {reason}"
        raise ValueError(
            f"no run can go on from {path} ({shorten(one_line(reason), 200, placeholder=' ...')}): "
            "name another one with ckpt_path, for example best.ckpt of the run, or start another "
            "run from its weights with init_from"
        ) from error


_Count = Annotated[int, Field(ge=0)]
_Player = Literal["generator", "critic"]


class _Model(BaseModel):
    model_config = ConfigDict(strict=True)


class _Counts(_Model):
    ready: _Count
    completed: _Count
    started: _Count = 0
    processed: _Count = 0


class _Progress(_Model):
    total: _Counts
    current: _Counts


class _Batches(_Progress):
    is_last_batch: bool


class _FitLoop(_Model):
    epochs: _Progress = Field(alias="epoch_progress")
    batches: _Batches = Field(alias="epoch_loop.batch_progress")
    state: dict[str, _Count] = Field(alias="epoch_loop.state_dict")
    steps: _Progress = Field(alias="epoch_loop.manual_optimization.optim_step_progress")
    validation: _Batches = Field(alias="epoch_loop.val_loop.batch_progress")


class _Loops(_Model):
    fit_loop: _FitLoop


class _Best(_Model):
    """What a ModelCheckpoint keeps."""

    best_model_score: InstanceOf[torch.Tensor] | None
    kth_value: InstanceOf[torch.Tensor] | None = None
    best_k_models: dict[str, InstanceOf[torch.Tensor]] = {}
    best_model_path: str
    kth_best_model_path: str = ""
    last_model_path: str = ""


class _Health(_Model):
    """What :class:`~farfill.callback.health.Health` keeps."""

    reason: str
    doubted: list[str]
    last: dict[str, float]
    gradients: dict[_Player, float]


class _Place(_Model):
    step: _Count


class _Schedule(_Model):
    model_config = ConfigDict(strict=True, extra="allow")
    last_epoch: _Count


class _Training(_Model):
    """What Lightning, our module and our callbacks take from a checkpoint."""

    loops: _Loops
    optimizer_states: list[dict[str, Any]]
    lr_schedulers: list[Any]
    callbacks: dict[str, dict[str, Any]]
    data: _Place | None = Field(None, alias="InpaintingData")
    skipped: Annotated[list[dict[_Player, _Count]], Field(min_length=2, max_length=2)]

    @model_validator(mode="after")
    def _parts(self) -> Self:
        for counts in self.lr_schedulers:
            _Schedule.model_validate(counts)
        for name, state in self.callbacks.items():
            if name.startswith("ModelCheckpoint"):
                _Best.model_validate(state)
            if name == "Health":
                _Health.model_validate(state)
        return self


def _try_random_state(state: dict[str, Any]) -> None:
    """Set generators that nobody uses to a state of :mod:`farfill.callback.random_state`."""
    version, numbers, gauss = state["python"]
    random.Random().setstate((version, tuple(numbers), gauss))
    name, keys, *rest = state["numpy"]
    np.random.RandomState().set_state((name, keys.numpy().astype(np.uint32), *rest))
    torch.Generator().set_state(state["torch"])
    if not all(isinstance(one, torch.Tensor) for one in state["cuda"]):
        raise ValueError("the random state of the GPUs is none")


def _check_optimizer(optimizer: torch.optim.Optimizer) -> None:
    """Refuse state that does not fit its parameter; some optimizers keep means over a side."""
    for parameter, kept in optimizer.state.items():
        for name, value in kept.items():
            if isinstance(value, torch.Tensor) and (
                torch.broadcast_shapes(value.shape, parameter.shape) != parameter.shape
            ):
                raise ValueError(f"the optimizer's {name} does not fit its weights")
            if not _is_finite(torch.as_tensor(0.0 if value is None else value)):
                raise ValueError(f"the optimizer's {name} is NaN or infinite")


def _is_like(kept: Any, own: Any) -> bool:
    """Whether finite numbers are where they have to be; newer versions may have more of them."""
    match own:
        case dict():
            return isinstance(kept, dict) and all(
                _is_like(kept[name], value) for name, value in own.items() if name in kept
            )
        case list() | tuple():
            return (
                isinstance(kept, list | tuple)
                and len(kept) == len(own)
                and all(map(_is_like, kept, own))
            )
        case int() | float() if not isinstance(own, bool):
            number = isinstance(kept, int | float | torch.Tensor)
            return number and (math.isfinite(kept) or not math.isfinite(own))
        case _:
            return True


def _load(
    module: nn.Module,
    checkpoint: Mapping[str, Any],
    name: str,
    path: str | Path,
    assign: bool = False,
) -> None:
    prefix, state = f"{name}." * bool(name), checkpoint["state_dict"]
    weights = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    for key, own in module.state_dict().items():
        kept = weights.get(key, own)
        if kept.is_floating_point() != own.is_floating_point():
            raise ValueError(
                f"the weight {prefix}{key} in {path} is of {kept.dtype}, not of {own.dtype}: the "
                "file was not written by Farfill; name another checkpoint"
            )
    try:
        module.load_state_dict(weights, assign=assign)
    except RuntimeError as error:
        reason = shorten(str(error).partition("\n")[2], 200, placeholder=" ...")
        raise ValueError(
            f"the weights in {path} are of another configuration ({reason}): "
            f"use its own settings, {shorten(' '.join(_settings(checkpoint)), 300)}"
        ) from error


def _settings(checkpoint: Mapping[str, Any]) -> Iterator[str]:
    """What to type for the generator of a checkpoint: ``generator=two_stage``, its options ..."""
    rest = [("generator", checkpoint["farfill"]["generator"])]
    for group, config in rest:
        yield f"{group}={str(config.get('_target_')).rpartition('.')[0].rpartition('.')[2]}"
        for name, value in config.items():
            if isinstance(value, Mapping):
                rest.append((name, value))
            elif name != "_target_":
                yield f"{group}.{name}={json.dumps(value)}"


def _build(config: Mapping[str, Any]) -> nn.Module:
    """Build a generator or attention from plain values, like Hydra but for our classes only."""
    target = config.get("_target_")
    if not re.fullmatch(r"farfill\.(attention|generator)\.\w+\.\w+", str(target), re.ASCII):
        raise ValueError(f"a checkpoint may name Farfill's networks, not {repr(target)[:80]}")
    cls = _class_of(target, "attention|generator")
    if cls is None or not issubclass(cls, nn.Module):
        raise ValueError(
            f"the checkpoint needs {str(target)[:80]}, which this version does not have"
        )
    parts = {k: _build(v) if isinstance(v, Mapping) else v for k, v in config.items()}
    del parts["_target_"]
    try:
        return cls(**parts)
    except TypeError as error:
        raise ValueError(f"the checkpoint does not fit this version of Farfill: {error}") from error
