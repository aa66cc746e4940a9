"""How a run appears in Weights & Biases: name, group, job type, axis and summary."""

import inspect
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import wandb
from hydra.core.hydra_config import HydraConfig
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import OmegaConf

from farfill.evaluation.table import arrow
from farfill.metric.suite import NAMES
from farfill.rundir.record import AXIS, PLAN, label, options
from farfill.rundir.status import read_status, write_status
from farfill.text import did_you_mean
from farfill.tracking.loggers import hydra_choices, wandb_errors

#: What ``mode`` and WANDB_MODE may be; ``run`` and ``dryrun`` are wandb's older names.
ONLINE, OFFLINE = ("online", "run", "shared"), ("offline", "dryrun", "disabled")
#: Overrides that do not tell runs apart; the seed is always added, the ablation is the job type.
UNNAMED = ("hydra", "logger", "paths", "tags", "task_name", "ckpt_path", "ablation", "seed")
_OURS = {"dir", "resume", "settings"}
#: What else may be set: the others are said here, or would be said twice.
_FURTHER = [x for x in inspect.signature(wandb.init).parameters if x not in _OURS]
BEST = {"↓": "min", "↑": "max"}


def wandb_logger(
    save_dir: str | Path,
    seed: int,
    project: str = "farfill",
    mode: str | None = None,
    offline: bool | None = None,
    name: str | None = None,
    group: str | None = None,
    job_type: str | None = None,
    tags: Sequence[str] = (),
    id: str | None = None,
    log_model: Any = False,
    **options: Any,
) -> WandbLogger:
    """Start a run of wandb, without ever asking a question, and make Lightning's logger of it.

    A run that goes on keeps its id. What it repeats after the checkpoint stands in wandb twice, and
    what a killed process had not handed over is missing there; ``metrics.csv`` has every row once.

    ``conf/logger/wandb.yaml`` says what the arguments are, and what they are if nothing is given
    here or in WANDB_NAME and the like; further ones are ``wandb.init``'s.

    Raises:
        ValueError: The mode is none, or needs a login that is missing; or wandb has an error.
    """
    for option in options.keys() - set(_FURTHER):
        hint = did_you_mean(option, _FURTHER, f"wandb.init takes {', '.join(_FURTHER)}")
        raise ValueError(f"`logger.wandb` has no option {option}: {hint}")
    folder, choices = Path(save_dir), hydra_choices()
    plan = folder.parent / PLAN
    sweep = plan.resolve().parent
    if re.fullmatch(r"\d{4}-\d\d-\d\d", sweep.parent.name):  # the date is a folder of its own
        sweep = sweep.with_name(f"{sweep.parent.name}_{sweep.name}")
    overrides = list(HydraConfig.get().overrides.task) if HydraConfig.initialized() else []

    def chosen(given: str | None, variable: str, default: str | None) -> str | None:
        return given if given or os.environ.get(variable) else default

    run = _start(
        folder,
        _mode("offline" if offline else mode or ("online" if offline is False else None)),
        project=project,
        name=chosen(name, "WANDB_NAME", run_name(overrides, sweep_line(plan), choices, seed)),
        group=chosen(group, "WANDB_RUN_GROUP", sweep.name if plan.is_file() else None),
        job_type=chosen(job_type, "WANDB_JOB_TYPE", choices.get("ablation") or "train"),
        tags=list(tags) or None,
        id=id or read_status(folder).get("wandb"),
        **options,
    )
    return WandbLogger(experiment=run, project=project, save_dir=folder, log_model=log_model)


@rank_zero_only
def _start(folder: Path, mode: str, **options: Any) -> wandb.Run:
    """Start the run, on the first process, and note its id in ``status.json``."""
    if wandb.run is not None:  # of a run that failed before its training
        wandb.finish(exit_code=1)
    folder.mkdir(parents=True, exist_ok=True)
    if mode in ONLINE:
        options |= {"resume": "allow", "settings": wandb.Settings(quiet=True)}
    else:  # where wandb would warn of "resume"
        options["settings"] = wandb.Settings(silent=True)
    with wandb_errors():
        run = wandb.init(dir=folder, mode=cast(Any, mode), **options)
    # Everything is plotted against generator steps. The summary keeps best and last of a metric,
    # val/l1_hole.min and val/l1_hole.last, and the last alone where neither direction is better.
    run.define_metric(AXIS)
    run.define_metric("*", step_metric=AXIS, step_sync=True)
    for metric in NAMES:
        if best := BEST.get(arrow(metric)):
            summary = f"{best},last"
            run.define_metric(f"val/{metric}", step_metric=AXIS, step_sync=True, summary=summary)
    if not run.disabled:
        write_status(folder, "running", wandb=run.id)
    return run


def _mode(given: str | None) -> str:
    """What the configuration, the environment or the folder says; else what needs no question."""
    asked = given or os.environ.get("WANDB_MODE")
    if asked not in (None, *ONLINE, *OFFLINE):
        raise ValueError(
            "expected `logger.wandb.mode` or WANDB_MODE to be online, offline or disabled, "
            f"got {asked}"
        )
    mode = asked or wandb.setup().settings.mode  # of `wandb offline` or `wandb disabled`
    with wandb_errors():
        if mode in OFFLINE or wandb.login(prompt=False):
            return mode
    if asked is None:
        return "offline"
    raise ValueError(
        f"wandb's mode is {asked}, but nobody is logged in: run `wandb login`, set WANDB_API_KEY, "
        "or leave it at logger.wandb.mode=offline"
    )


def run_name(
    overrides: Iterable[str], sweep: Iterable[str], choices: Mapping[str, Any], seed: int
) -> str:
    """A short name that tells runs apart: ``attention=stn, propagation=3, seed=1``.

    Where nothing was overridden it says what the run is: ``contextual wgan_gp seed=1``.

    Args:
        overrides: Of this run.
        sweep: Of the whole sweep, as typed, ``gan=hinge,lsgan``; what all runs share is left out.
        choices: Group -> chosen option.
        seed: Of this run.
    """
    shared = options(sweep)
    own = {
        key: value.rpartition("/")[2]
        for key, value in options(overrides).items()
        if shared.get(key) != value and re.split("[./]", key)[0] not in UNNAMED
    }
    if not own:
        return " ".join([*filter(None, map(choices.get, ("attention", "gan"))), f"seed={seed}"])
    ends = [key.rpartition(".")[2] for key in own]
    short = {
        (end if ends.count(end) == 1 else key): own[key] for end, key in zip(ends, own, strict=True)
    }
    last = f", seed={seed}"
    return label(short)[: 128 - len(last)] + last  # letters that wandb takes


def sweep_line(plan: Path) -> list[str]:
    """Overrides of a sweep's ``multirun.yaml`` as typed, ``gan=hinge,lsgan``; none without it."""
    if not plan.is_file():
        return []
    hydra: Any = OmegaConf.to_container(cast(Any, OmegaConf.load(plan)).hydra)
    params = hydra["sweeper"].get("params") or {}
    return [*(f"{key}={value}" for key, value in params.items()), *hydra["overrides"]["task"]]
