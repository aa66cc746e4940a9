"""Where metrics go: always metrics.csv, and wandb without ever asking a question."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hydra.utils import instantiate
from lightning.pytorch.loggers import Logger, WandbLogger
from omegaconf import DictConfig

from farfill.run.build import plain
from farfill.run.metrics_file import MetricsFile

AXIS = "generator_step"


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
    mode = os.environ.get("WANDB_MODE")
    if cfg.logger and mode != "disabled":
        os.environ.setdefault("WANDB_SILENT", "true")
        # Lightning sets "dryrun" for an offline run, and the next one of a sweep finds it.
        offline = mode in ("offline", "dryrun") or (mode is None and not _logged_in())
        extra = {"offline": True, "mode": "offline"} if offline else {}
        logger = instantiate(cfg.logger, save_dir=str(folder), **extra)
        loggers.append(logger)
        if isinstance(logger, WandbLogger):
            # Lightning's own axis would be called trainer/global_step, which is another count.
            logger.experiment.define_metric(AXIS)
            logger.experiment.define_metric("*", step_metric=AXIS, step_sync=True)
            logger.log_hyperparams(plain(cfg))
    return loggers


def _logged_in() -> bool:
    import wandb

    return wandb.login(prompt=False)
