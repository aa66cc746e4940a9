"""Several processes for one run."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from hydra.core.hydra_config import HydraConfig
from lightning import Trainer
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import OmegaConf, read_write

from farfill.errors import in_sweep

#: What Lightning tells the processes that it starts, and leaves behind.
_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")


def is_first() -> bool:
    """Whether this is the process that does all the writing, also before they are connected."""
    return cast(Any, rank_zero_only).rank == 0


@contextmanager
def distributed_session(trainer: Trainer, folder: Path, batch_size: int) -> Iterator[None]:
    """Let the processes of a run find each other, and the next run of a sweep its own.

    Raises:
        ValueError: The processes would have different numbers of pictures.
    """
    if trainer.world_size == 1:
        yield
        return
    if batch_size % trainer.world_size:
        raise ValueError(
            f"{trainer.world_size} processes cannot share {batch_size} pictures evenly: make "
            "batch_size a multiple of their number"
        )
    before = {name: os.environ.get(name) for name in _VARIABLES}
    with _started_alone(folder):
        yield
    torch.distributed.destroy_process_group()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextmanager
def _started_alone(folder: Path) -> Iterator[None]:
    """Lightning starts processes by the command line: in a sweep, let it be this run's alone."""
    if not in_sweep():
        yield
        return
    arguments, config = sys.argv, cast(Any, HydraConfig.instance().cfg)
    before = cast(Any, OmegaConf.to_container(config.hydra.run))["dir"]
    task = [item for item in HydraConfig.get().overrides.task if not item.startswith("hydra.")]
    try:
        sys.argv = [arguments[0], *task, "hydra.mode=RUN"]
        with read_write(config.hydra):
            config.hydra.run.dir = str(folder)
        yield
    finally:
        sys.argv = arguments
        with read_write(config.hydra):
            config.hydra.run.dir = before
