"""What can be found out about a configuration before anything is made or written."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from farfill.checkpoint import read_checkpoint
from farfill.config.build import plain
from farfill.config.keys import below, flat
from farfill.critic.protocol import Critics
from farfill.datamodule.inpainting import InpaintingData

#: Whole numbers and the least that each may be.
_COUNTS = {
    "seed": 0, "image_size": 8, "box_size": 1, "batch_size": 1, "channels": 2,
    "critic_channels": 1, "critic_steps": 0, "pictures": 0, "checkpoint.every": 0,
    "datamodule.workers": 0, "datamodule.val_batch_size": 1, "datamodule.val_limit": 1,
}  # fmt: skip
_MOST = 2**32 - 1  # as NumPy has it for seeds; no other count comes near
#: What a run that goes on may change: how long, how it is watched, where its files are.
_FREE = (
    "attention_diagnostics", "ablation", "baseline", "checkpoint", "ckpt_path", "compile",
    "init_from", "logger", "metric", "paths", "pictures", "question", "sweep", "trainer",
    "schedule.steps", "data.root", "datamodule.source.root", "datamodule.workers",
    "datamodule.val_batch_size", "datamodule.val_limit", "mask.root", "datamodule.holes.root",
    "data.max_file_pixels", "datamodule.source.max_file_pixels", "mask.max_file_pixels",
    "datamodule.holes.max_file_pixels",
)  # fmt: skip
#: What a checkpoint needs besides weights.
_PARTS = ("optimizer_states", "lr_schedulers", "loops", "callbacks", "generator_steps")
#: What of the trainer it may not: these change what is learnt.
_TRAINER = ("accumulate_grad_batches", "gradient_clip_val", "gradient_clip_algorithm", "precision")
_FIXED = tuple(f"trainer.{name}" for name in _TRAINER)


def check_numbers(cfg: DictConfig) -> None:
    """Refuse counts that are none, and other numbers of a training that cannot be.

    Raises:
        ValueError: Names the setting, what was expected, and what came.
    """
    check_counts(cfg)
    rate = cfg.learning_rate
    if not isinstance(rate, int | float) or not math.isfinite(rate) or rate < 0:
        raise ValueError(f"expected `learning_rate` to be a number from 0, got {rate}")


def check_counts(cfg: DictConfig) -> None:
    """Refuse counts that are none.

    Raises:
        ValueError: Names the setting, what was expected, and what came.
    """
    for name, least in _COUNTS.items():
        value = OmegaConf.select(cfg, name)
        if value is None:
            continue
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or value < least:
            raise ValueError(f"expected `{name}` to be a whole number from {least}, got {value}")
        if value > _MOST:
            raise ValueError(f"expected `{name}` to be at most {_MOST}, got {value}")
    if cfg.image_size is not None and cfg.image_size % 4:
        raise ValueError(f"expected `image_size` to be a multiple of 4, got {cfg.image_size}")


def check_resume(cfg: DictConfig, path: Path) -> int:
    """Refuse to go on with a checkpoint that was made with other settings, or is not complete.

    Returns:
        Generator steps it has done.

    Raises:
        ValueError: If so, or if it is no checkpoint; it names the settings.
    """
    checkpoint = read_checkpoint(path)
    if missing := [name for name in _PARTS if name not in checkpoint]:
        raise ValueError(
            f"{path} has weights but not {', '.join(missing)}, so no run can go on from it; "
            "init_from starts another run from its weights"
        )
    if differing := changed(plain(cfg), checkpoint["farfill"].get("config")):
        raise ValueError(
            f"{path} belongs to a run with other settings: {differing}; choose another "
            "hydra.run.dir, or start another run from its weights with init_from"
        )
    return checkpoint["generator_steps"]


def changed(now: Any, then: Any) -> str:
    """Settings in which two runs differ and one run must not, in words; empty if none."""
    now, then = flat(now), flat(then if isinstance(then, dict) else {})
    names = [
        name
        for name in sorted(now.keys() | then.keys())
        if now.get(name) != then.get(name) and (name in _FIXED or not below(name, _FREE))
    ]
    listed = [f"{name} (was {then.get(name)}, now {now.get(name)})" for name in names[:6]]
    return ", ".join(listed) + (" ..." if len(names) > 6 else "")


def check_boxes(data: InpaintingData, critics: Critics) -> None:
    """Refuse holes whose box is not what the local critic looks at.

    Raises:
        ValueError: If so.
    """
    side = getattr(critics, "patch_size", None)
    box = data.holes(np.random.default_rng(0), data.image_size, data.image_size).box
    if side is not None and tuple(box[2:]) != (side, side):
        raise ValueError(
            f"the holes' boxes are {box[2]} x {box[3]}, but the local critic sees {side} x {side}: "
            "set box_size, which both follow, instead of the mask's own sides"
        )
