"""What the train page does with its loggers: say what the run is, and finish them with it."""

import csv
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from lightning import LightningModule, Trainer
from lightning.pytorch.loggers import Logger, TensorBoardLogger, WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig

from farfill.config.instantiate import plain

#: What wandb knows the report's table by, and what a search minimises.
SCORES, OBJECTIVE = "report/scores", "objective"
#: Groups whose choice says what kind of run it is; a choice of several is joined by ``+``.
SWAPS = (
    *("attention", "generator", "stage", "critic", "gan", "loss"),
    *("mask", "data", "schedule", "model"),
)


@contextmanager
def finished(loggers: Iterable[Logger]) -> Iterator[None]:
    """Finish wandb's run with the training, well or not: a sweep has several in one process."""
    mine = [logger for logger in loggers if isinstance(logger, WandbLogger)]
    before, failed = os.environ.get("WANDB_DATA_DIR"), 1
    if mine:  # files of tables wait there for the upload; by default they fill the user's home
        folder = Path(mine[0].save_dir or ".").absolute() / "wandb"
        os.environ.setdefault("WANDB_DATA_DIR", str(folder))
    with wandb_errors():
        try:
            yield
            failed = 0
        finally:
            for logger in mine:
                logger.experiment.finish(exit_code=failed)
            if before is None:
                os.environ.pop("WANDB_DATA_DIR", None)


@contextmanager
def wandb_errors(cure: str = "logger=csv or WANDB_MODE=offline helps") -> Iterator[None]:
    """Turn an error of wandb into a ``ValueError`` of one sentence that ends with the cure."""
    try:
        yield
    except Exception as error:
        wandb = sys.modules.get("wandb")  # not imported here: the other loggers do without
        if wandb is None or not isinstance(error, wandb.Error):
            raise
        raise ValueError(f"wandb: {str(error).rstrip('.')}; {cure}") from error


@rank_zero_only
def log_hyperparameters(cfg: DictConfig, module: LightningModule, trainer: Trainer) -> None:
    """Tell all loggers the configuration, the choices of the swaps and the numbers of parameters.

    wandb gets the choices as tags too, ``gan=hinge`` and so on.
    """
    chosen = swaps(cfg)
    total = sum(p.numel() for p in module.parameters())
    trainable = sum(p.numel() for p in module.parameters() if p.requires_grad)
    values = {
        **plain(cfg),
        "swap": chosen,
        "model/params/total": total,
        "model/params/trainable": trainable,
        "model/params/non_trainable": total - trainable,
    }
    tags = [f"{group}={one}" for group, several in chosen.items() for one in several.split("+")]
    for logger in trainer.loggers:
        logger.log_hyperparams(values)
        if isinstance(logger, WandbLogger):
            # wandb takes 64 letters.
            all_tags = [*(tag[:64] for tag in tags), *(logger.experiment.tags or ())]
            logger.experiment.tags = tuple(dict.fromkeys(all_tags))


def log_report(folder: Path, value: float | None, trainer: Trainer) -> None:
    """Tell wandb what the report says: the run's numbers beside the baselines', and the objective.

    ``report/telea/l1_hole`` and the like are the means; ``report/scores`` is the table, with ends
    of intervals. ``objective`` is what a search minimises: the best of the monitored metric.

    Args:
        folder: Of the run.
        value: The objective; None: there is none.
        trainer: Has the loggers, and the generator step.
    """
    loggers = [logger for logger in trainer.loggers if isinstance(logger, WandbLogger)]
    table = folder / "report" / "table.csv"
    if not loggers or not table.is_file():
        return
    import wandb

    with table.open(encoding="utf-8", newline="") as lines:
        rows = list(csv.DictReader(lines))
    names = [name for name in rows[0] if f"{name}_low" in rows[0]]
    means = {
        f"report/{filler_key(row['filler'])}/{name}": float(row[name])
        for row in rows
        for name in names
    }
    scores = wandb.Table(
        columns=[*rows[0]], data=[list(map(_number, row.values())) for row in rows]
    )
    objective = {} if value is None else {OBJECTIVE: value}
    for logger in loggers:
        told: Any = {**means, **objective, SCORES: scores}
        logger.log_metrics(told, trainer.global_step)


def filler_key(title: str) -> str:
    """``patch_match`` of ``patch match (classical baseline)``."""
    return title.partition(" (")[0].replace(" ", "_")


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def swaps(cfg: DictConfig) -> dict[str, str]:
    """Group of :data:`SWAPS` -> choice, if any: ``{"gan": "hinge", "loss": "hole_l2+style"}``."""
    # Hydra does not list the choices of a group that takes several.
    known = {**hydra_choices(), "loss": "+".join(cfg.get("loss") or {})}
    if "attention" not in cfg.generator:
        known["attention"] = "none"  # whatever is chosen, this generator has none
    return {group: str(known[group]) for group in SWAPS if known.get(group)}


def hydra_choices() -> Mapping[str, Any]:
    """Chosen option of every group; empty outside of a command."""
    return plain(HydraConfig.get().runtime.choices) if HydraConfig.initialized() else {}


def tensorboard_logger(**options: Any) -> TensorBoardLogger:
    """Make Lightning's logger, or say in a ``ValueError`` how to install what it needs."""
    try:
        return TensorBoardLogger(**options)
    except ModuleNotFoundError as error:
        raise ValueError(
            "logger=tensorboard needs tensorboard: pip install 'farfill[tensorboard]'"
        ) from error
