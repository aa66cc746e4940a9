"""Several processes for one run."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from hydra.core.hydra_config import HydraConfig
from lightning import Trainer
from omegaconf import OmegaConf, read_write

from farfill.run.errors import in_sweep


def together(trainer: Trainer, batch_size: int) -> None:
    """Refuse batches that cannot be shared out evenly.

    Raises:
        ValueError: The processes would have different numbers of pictures.
    """
    if batch_size % trainer.world_size:
        raise ValueError(
            f"{trainer.world_size} processes cannot share {batch_size} pictures evenly: make "
            "batch_size a multiple of their number"
        )


@contextmanager
def started_from(trainer: Trainer, folder: Path) -> Iterator[None]:
    """Let Lightning start further processes of this run, and not a whole sweep in each.

    It repeats the command line, which in a sweep is that of the sweep: here it is this run's.
    """
    if trainer.world_size == 1 or not in_sweep():
        yield
        return
    arguments, config = sys.argv, cast(Any, HydraConfig.instance().cfg)
    before = cast(Any, OmegaConf.to_container(config.hydra.run))["dir"]
    task = [one for one in HydraConfig.get().overrides.task if not one.startswith("hydra.")]
    try:
        sys.argv = [arguments[0], *task, "hydra.mode=RUN"]
        with read_write(config.hydra):
            config.hydra.run.dir = str(folder)
        yield
    finally:
        sys.argv = arguments
        with read_write(config.hydra):
            config.hydra.run.dir = before
