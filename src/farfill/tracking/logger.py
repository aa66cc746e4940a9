"""Where metrics go: always metrics.csv, and wandb without ever asking a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.utils import instantiate
from lightning.pytorch.loggers import Logger
from omegaconf import DictConfig

from farfill.cli.processes import is_first
from farfill.config.build import plain
from farfill.rundir.metrics_csv import MetricsFile
from farfill.rundir.status import read_status, write_status
from farfill.tracking.wandb_logger import WandbLogger
from farfill.tracking.wandb_run import define_metrics, hydra_choices, swaps, wandb_settings

#: What ``logger.mode`` and WANDB_MODE may be; the last three are wandb's older names.
MODES = ("online", "offline", "disabled", "dryrun", "run", "shared")


@contextmanager
def open_loggers(cfg: DictConfig, folder: Path, done: int) -> Iterator[list[Logger]]:
    """Make the loggers, and finish them with the run: a sweep has several runs in one process.

    Args:
        cfg: The run's whole configuration; ``cfg.logger`` says which.
        folder: The run's folder.
        done: Generator steps the run has behind it.
    """
    loggers: list[Logger] = []
    failed = 1
    try:
        loggers = build_loggers(cfg, folder, done)
        yield loggers
        failed = 0
    except Exception as error:
        wandb = sys.modules.get("wandb")  # not imported here: logger=none does without
        if wandb is None or not isinstance(error, wandb.Error):
            raise
        raise ValueError(f"wandb: {error}; logger=none or WANDB_MODE=offline helps") from error
    finally:
        for logger in loggers:
            if isinstance(logger, WandbLogger):
                logger.experiment.finish(exit_code=failed)


def build_loggers(cfg: DictConfig, folder: Path, done: int = 0) -> list[Logger]:
    """Make the CSV logger and, unless ``logger=none``, the configured one.

    Args:
        cfg: The run's whole configuration; ``cfg.logger`` says which.
        folder: The run's folder.
        done: Generator steps the run has behind it; the rows of these stay.
    """
    loggers: list[Logger] = [MetricsFile(folder, done)]
    mode = _mode(cfg)
    if cfg.logger and mode != "disabled":
        os.environ.setdefault("WANDB_SILENT", "true")
        # Lightning sets "dryrun" for an offline run, and the next one of a sweep finds it.
        offline = mode in ("offline", "dryrun") or (mode is None and not _logged_in())
        extra = {"offline": True, "mode": "offline"} if offline else {}
        choices, overrides = hydra_choices()
        if cfg.logger._target_.endswith(".WandbLogger"):
            extra |= wandb_settings(cfg, folder, choices, overrides)
            if name := read_status(folder).get("wandb"):  # of this run before it was cut off
                extra["id"] = name
        logger = instantiate(cfg.logger, save_dir=str(folder), **extra)
        loggers.append(logger)
        if isinstance(logger, WandbLogger):
            define_metrics(logger.experiment)
            logger.log_hyperparams({**plain(cfg), "swap": swaps(cfg, choices)})
        if isinstance(logger, WandbLogger) and is_first():
            logger.go_on(folder, done)
            write_status(folder, "running", wandb=logger.experiment.id)
    return loggers


def _mode(cfg: DictConfig) -> str | None:
    """What the configuration, the environment or ``wandb disabled`` says; None: nothing."""
    mode = (cfg.logger or {}).get("mode") or os.environ.get("WANDB_MODE")
    if mode is not None and mode not in MODES:
        raise ValueError(
            f"expected `logger.mode` or WANDB_MODE to be online, offline or disabled, got {mode}"
        )
    return mode or ("disabled" if cfg.logger and _switched_off() else None)


def _switched_off() -> bool:
    """Whether ``wandb disabled`` was said in this folder."""
    import wandb

    return wandb.setup().settings.mode == "disabled"


def _logged_in() -> bool:
    import wandb

    return wandb.login(prompt=False)
