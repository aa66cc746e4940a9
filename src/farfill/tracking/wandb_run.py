"""How a run appears in Weights & Biases: name, group, job type, tags and summary."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from farfill.config.keys import is_under
from farfill.evaluation.table import arrow
from farfill.metric.suite import NAMES
from farfill.rundir.record import AXIS, label
from farfill.sweep.plan import PLAN, SEED, options, plan_of, swept_options

#: Groups whose choice says what kind of run it is; a choice of several is joined by ``+``.
SWAPS = ("attention", "generator", "stage", "critic", "gan", "loss", "mask", "data", "schedule",
         "model")  # fmt: skip
#: Overrides that do not tell runs apart; the seed is always added, the ablation is the job type.
UNNAMED = ("hydra", "logger", "ckpt_path", "ablation", SEED)
#: What a user may set by the environment instead of the configuration.
VARIABLES = {"name": "WANDB_NAME", "group": "WANDB_RUN_GROUP", "job_type": "WANDB_JOB_TYPE"}
LONGEST_NAME, LONGEST_TAG = 128, 64  # letters that wandb takes
BEST = {"↓": "min", "↑": "max"}


def hydra_choices() -> tuple[Mapping[str, Any], list[str]]:
    """Chosen option of every group, and this run's overrides; empty outside of a command."""
    if not HydraConfig.initialized():
        return {}, []
    hydra = HydraConfig.get()
    choices = OmegaConf.to_container(hydra.runtime.choices)
    assert isinstance(choices, dict)
    return {str(group): choice for group, choice in choices.items()}, list(hydra.overrides.task)


def wandb_settings(
    cfg: DictConfig, folder: Path, choices: Mapping[str, Any], overrides: Sequence[str]
) -> dict[str, Any]:
    """What ``wandb.init`` is told about a run, unless the user said it already.

    Args:
        cfg: The run's whole configuration.
        folder: The run's folder; it belongs to a sweep if there is a plan beside it.
        choices: Group -> chosen option.
        overrides: Of this run, ``["gan=hinge", "seed=1"]``.

    Returns:
        ``name``, ``group`` and ``job_type`` where neither ``cfg.logger`` nor the environment names
        them, and ``tags``, which come before the user's.
    """
    found = {
        "name": run_name(overrides, _plan(folder.parent / PLAN), cfg[SEED]),
        "group": sweep_name(folder.parent) if (folder.parent / PLAN).is_file() else None,
        "job_type": choices.get("ablation") or "train",
    }
    open_ones = {
        key: value
        for key, value in found.items()
        if cfg.logger.get(key) is None and not os.environ.get(VARIABLES[key])
    }
    chosen = [
        f"{group}={one}" for group, text in swaps(cfg, choices).items() for one in text.split("+")
    ]
    environment = filter(None, os.environ.get("WANDB_TAGS", "").split(","))
    tags = [*(tag[:LONGEST_TAG] for tag in chosen), *(cfg.logger.get("tags") or ()), *environment]
    return {**open_ones, "tags": list(dict.fromkeys(tags))}


def swaps(cfg: DictConfig, choices: Mapping[str, Any]) -> dict[str, str]:
    """Group of :data:`SWAPS` -> choice, in words: ``{"gan": "hinge", "loss": "hole_l2+style"}``.

    Args:
        cfg: The run's whole configuration.
        choices: Group -> chosen option; a group without one is left out.
    """
    # Hydra does not list the choices of a group that takes several.
    known = {**choices, "loss": "+".join(cfg.get("loss") or {})}
    if "attention" not in cfg.generator:
        known["attention"] = "none"  # whatever is chosen, this generator has none
    return {group: str(known[group]) for group in SWAPS if known.get(group)}


def run_name(overrides: Sequence[str], plan: Sequence[Sequence[str]], seed: int) -> str:
    """A short name that tells the runs of a sweep apart: ``attention=stn, propagation=3, seed=1``.

    Args:
        overrides: Of this run.
        plan: Overrides of all the sweep's runs; empty outside of a sweep.
        seed: Of this run.
    """
    own = options(overrides)
    kept = swept_options([options(job) for job in plan]) if plan else list(own)
    kept = [key for key in kept if key in own and not is_under(key, UNNAMED)]
    ends = [key.rpartition(".")[2] for key in kept]
    short = {
        (end if ends.count(end) == 1 else key): own[key].rpartition("/")[2]
        for key, end in zip(kept, ends, strict=True)
    }
    seed_text = f"seed={seed}"
    words = label(short)[: LONGEST_NAME - len(seed_text) - 2] if short else ""
    return f"{words}, {seed_text}" if words else seed_text


def sweep_name(folder: Path) -> str:
    """A sweep's folder in words, with its date if that is a folder of its own."""
    dated = re.fullmatch(r"\d{4}-\d\d-\d\d", folder.resolve().parent.name)
    return f"{dated[0]}_{folder.resolve().name}" if dated else folder.resolve().name


def define_metrics(run: Any) -> None:
    """Plot everything against generator steps, and keep best and last of every metric.

    The summary then holds ``val/l1_hole.min`` and ``val/l1_hole.last``, ``val/psnr_hole.max`` and
    so on, and the last value alone where neither direction is better.

    Args:
        run: A ``wandb.Run``.
    """
    # Lightning's own axis would be called trainer/global_step, which is another count.
    run.define_metric(AXIS)
    run.define_metric("*", step_metric=AXIS, step_sync=True)
    for name in NAMES:
        if best := BEST.get(arrow(name)):
            run.define_metric(
                f"val/{name}", step_metric=AXIS, step_sync=True, summary=f"{best},last"
            )


def _plan(path: Path) -> list[list[str]]:
    try:
        return plan_of(path)
    except HydraException:  # another sweeper's syntax: no reason to end a run
        return []
