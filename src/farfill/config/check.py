"""What can be found out about a training before anything is made or written."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.accelerators import CUDAAccelerator, MPSAccelerator
from omegaconf import DictConfig, OmegaConf

from farfill.config.instantiate import check_kinds, check_networks, plain
from farfill.config.names import (
    SEVERAL,
    dotted,
    listed,
    no_setting,
    refuse_foreign,
    todays_name,
)
from farfill.config.paths import conf_dir
from farfill.critic.protocol import Critics
from farfill.datamodule.inpainting import InpaintingData
from farfill.errors import in_sweep
from farfill.metric.suite import NAMES

#: Whole numbers and the least that each may be.
_COUNTS = {
    "seed": 0,
    "image_size": 8,
    "box_size": 1,
    "batch_size": 1,
    "channels": 2,
    "critic_channels": 1,
    "critic_steps": 0,
    "datamodule.workers": 0,
    "datamodule.val_batch_size": 1,
    "datamodule.val_limit": 1,
    "datamodule.val_seed": 0,
    "datamodule.val_holes_per_picture": 1,
    "trainer.log_every_n_steps": 1,
    "trainer.accumulate_grad_batches": 1,
    "module.max_skipped": 1,
}
#: Groups that nothing builds by itself: other parts take them in by ``${...}``.
_SHARED_GROUPS = {"attention", "backbone", "data", "mask"}
#: What the report of an ablation reads.
_QUESTION = frozenset(("id", "text", "reference", "varies", "claims"))
#: What has to be there for ``trainer.accelerator``; others are Lightning's to refuse.
_GPUS = {
    "gpu": (CUDAAccelerator, MPSAccelerator),
    "cuda": (CUDAAccelerator,),
    "mps": (MPSAccelerator,),
}
_REFERENCE = re.compile(r"\$\{(?:oc\.select:)?(\w+)")


def check_config(cfg: DictConfig) -> None:
    """Refuse a training's settings that cannot be, or do not fit together.

    Raises:
        ValueError: Names the setting, what was expected, and what came.
    """
    check_known_keys(cfg)
    if HydraConfig.initialized() and not in_sweep():
        hydra = HydraConfig.get()
        check_knobs(cfg, hydra.overrides.task, hydra.runtime.choices)
    check_counts(cfg)
    rate = cfg.learning_rate
    if not isinstance(rate, int | float) or not math.isfinite(rate) or rate < 0:
        raise ValueError(f"expected `learning_rate` to be a number from 0, got {rate}")
    _check_trainer(cfg.trainer)
    check_kinds(cfg)
    logged = [f"val/{name}" for name in NAMES]
    for name, node in (cfg.callbacks or {}).items():
        monitor = (node or {}).get("monitor")
        # Lightning would end the run at its first validation.
        if monitor not in (None, *logged):
            raise ValueError(
                f"expected `callbacks.{name!s}.monitor` to be one of {', '.join(logged)}, got "
                f"{monitor!r}"
            )
    check_networks(cfg.generator, cfg.critic)


def check_counts(cfg: DictConfig) -> None:
    """Refuse counts that are none, by a ``ValueError`` as :func:`check_config`."""
    for name, least in _COUNTS.items():
        value = OmegaConf.select(cfg, name)
        if value is None:
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(f"expected `{name}` to be a whole number from {least}, got {value}")
        if value > (most := 2**32 - 1):  # as NumPy has it for seeds; no other count comes near
            raise ValueError(f"expected `{name}` to be at most {most}, got {value}")
    if cfg.image_size is not None and cfg.image_size % 4:
        raise ValueError(f"expected `image_size` to be a multiple of 4, got {cfg.image_size}")


def check_boxes(data: InpaintingData, critics: Critics) -> None:
    """Refuse, by a ``ValueError``, holes whose box is not what the local critic looks at."""
    side = getattr(critics, "patch_size", None)
    box = data.holes(np.random.default_rng(0), data.image_size, data.image_size).box
    if side is not None and tuple(box[2:]) != (side, side):
        raise ValueError(
            f"the holes' boxes are {box[2]} x {box[3]}, but the local critic sees {side} x {side}: "
            "set box_size, which both follow, instead of the mask's own sides"
        )


def _check_trainer(flags: DictConfig) -> None:
    """Refuse what this training cannot honour and Lightning would not say so plainly."""
    steps, epochs = flags.max_steps, flags.max_epochs
    if type(steps) is not int or (steps < 1 and steps != -1):
        raise ValueError(f"expected `trainer.max_steps` from 1, or -1 for no limit, got {steps}")
    if steps == -1 and epochs in (None, -1) and flags.max_time is None:
        raise ValueError("the run has no end: give trainer.max_steps, max_epochs or max_time")
    if str(flags.precision).startswith(("16", "transformer-engine-float16")):
        raise ValueError(
            f"expected `trainer.precision` to be 32-true, bf16-mixed or 64-true, got "
            f"{flags.precision}: float16 overflows in the gradient penalty; bf16-mixed does not"
        )
    interval = flags.val_check_interval
    if interval is not None and not (isinstance(interval, int | float) and interval > 0):
        raise ValueError(f"expected `trainer.val_check_interval` above 0, got {interval}")
    gpus = _GPUS.get(flags.accelerator)
    if gpus and not any(gpu.is_available() for gpu in gpus):
        raise ValueError(
            f"trainer.accelerator={flags.accelerator} cannot be used here, where there is no such "
            "device: trainer=cpu works everywhere"
        )
    devices: Any = plain(flags.devices)
    one = devices in (1, "1") or (isinstance(devices, list) and len(devices) == 1)
    if not one and "_target_" not in (flags.strategy or ""):
        raise ValueError(
            f"expected `trainer.devices` to be 1, or a list of one, got {devices}: trainer=ddp "
            "takes several"
        )
    if isinstance(devices, int) and devices < 1 and devices != -1:
        raise ValueError(
            f"expected `trainer.devices` to be a number from 1, a list, auto or -1, got {devices}"
        )


def check_knobs(cfg: DictConfig, overrides: Iterable[str], choices: Mapping[str, Any]) -> None:
    """Refuse settings of the command line that no part of this run reads.

    In a sweep over a group a knob may reach some runs and not others; this is for single runs.

    Args:
        cfg: Whole configuration (``conf/train.yaml``).
        overrides: What was typed, such as ``critic_steps=5`` (Hydra's ``overrides.task``).
        choices: Group -> option (Hydra's ``runtime.choices``, which has no lists), for the message.

    Raises:
        ValueError: Names the setting and the choice with which it does nothing.
    """
    idle = idle_knobs(cfg)
    for override in overrides:
        name = re.split(r"[=.@/]", override.lstrip("+~"), maxsplit=1)[0]
        if name in idle:
            group = min(_readers()[name])
            option = choices.get(group) or f"[{','.join(cfg.get(group) or ())}]"
            raise ValueError(
                f"{name} does nothing with {group}={option}: leave it out, or "
                f"choose another {group}"
            )


def check_known_keys(cfg: DictConfig, command: str = "train") -> None:
    """Refuse keys, of the command line or of a file, that are no setting and that nothing reads.

    What a part is given, which has a ``_target_``, is for
    :func:`~farfill.config.instantiate.check_kinds`.

    Raises:
        ValueError: Names the key, and the setting that was probably meant.
    """
    settings: Any = OmegaConf.load(conf_dir() / f"{command}.yaml")
    groups = {name for entry in settings.defaults if isinstance(entry, Mapping) for name in entry}
    known = groups | settings.keys() | {"question"}
    for name in dotted(cfg):
        if name not in known:
            refuse_foreign(name)
            if today := todays_name(name):
                raise ValueError(f"there is no setting {name}: it is {today} here")
    texts: Any = OmegaConf.to_container(cfg)
    read = set().union(*_references(cfg).values())
    for name, node in texts.items():
        if name not in known | read:
            raise ValueError(no_setting(name, OmegaConf.masked_copy(cfg, [*known & cfg.keys()])))
        if name not in known or not isinstance(node, dict) or "_target_" in node:
            continue
        usual = settings.get(name) or {}
        if name not in groups and not isinstance(usual, Mapping | list):
            raise ValueError(f"{name} is one value, such as {usual}, and takes none below it")
        members = _QUESTION if name == "question" else listed(name) | set(usual)
        for key, value in node.items():
            fits = _is_part(value) if name in SEVERAL else key in members
            if not fits and f"${{{name}.{key}" not in str(texts):
                raise ValueError(no_setting(f"{name}.{key}", members))


def _is_part(value: Any) -> bool:
    """Whether a value below one of the groups :data:`SEVERAL` can be there, or be switched off."""
    refers = isinstance(value, str) and value.startswith("${")
    return value is None or refers or (isinstance(value, dict) and "_target_" in value)


def idle_knobs(cfg: DictConfig) -> set[str]:
    """Top-level names that other options would read, but none of the chosen parts does."""
    references = _references(cfg)
    values = {str(name) for name in cfg if not OmegaConf.is_dict(cfg[name])}
    pending = references.keys() - values - _SHARED_GROUPS
    read: set[str] = set()
    while pending:
        read |= pending
        pending = set().union(*(references.get(name, set()) for name in pending)) - read
    candidates = values | _SHARED_GROUPS & references.keys()
    # Tags are kept in config.yaml, whether a logger shows them or not.
    return (candidates - read - {"tags"}) & _readers().keys()


def _references(cfg: DictConfig) -> dict[str, set[str]]:
    """Top-level name -> the top-level names that its values refer to."""
    texts = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(texts, dict)
    return {str(name): set(_REFERENCE.findall(str(text))) for name, text in texts.items()}


@cache
def _readers() -> Mapping[str, set[str]]:
    """Top-level name -> the groups of which an option refers to it."""
    readers = defaultdict(set)
    for file in conf_dir().glob("*/*.yaml"):
        for name in _REFERENCE.findall(file.read_text(encoding="utf-8")):
            readers[name].add(file.parent.name)
    return readers
