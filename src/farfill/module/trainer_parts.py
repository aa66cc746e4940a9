"""What the Trainer of a run is given besides its flags, and the processes that it starts."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import torch
from hydra.core.hydra_config import HydraConfig
from lightning import Trainer
from lightning.pytorch.callbacks import Timer
from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from omegaconf import DictConfig, OmegaConf, read_write

from farfill.errors import in_sweep
from farfill.files import atomic
from farfill.text import one_line

#: What Lightning tells the processes that it starts, and leaves behind.
_VARIABLES = ("MASTER_ADDR", "MASTER_PORT", "NODE_RANK", "LOCAL_RANK", "WORLD_SIZE")


def limits(flags: DictConfig) -> dict[str, float]:
    """What ends a run with these flags of the Trainer: ``steps``, ``epochs``, ``seconds``."""
    plain: Any = OmegaConf.to_container(flags, resolve=True)
    seconds = Timer(plain.get("max_time")).time_remaining()
    given = {"steps": plain["max_steps"], "epochs": plain["max_epochs"], "seconds": seconds}
    return {name: value for name, value in given.items() if value is not None and value != -1}


def out_of_time(trainer: Trainer) -> bool:
    """Whether the run's time was over before its last step or epoch."""
    callbacks: list[Any] = getattr(trainer, "callbacks", [])
    left = [part.time_remaining() for part in callbacks if isinstance(part, Timer)]
    late = any(seconds is not None and seconds <= 0 for seconds in left)
    steps, epochs = trainer.max_steps, trainer.max_epochs
    by_steps = steps != -1 and trainer.global_step >= steps
    by_epochs = epochs not in (None, -1) and trainer.current_epoch >= epochs
    return late and not by_steps and not by_epochs


class LostProcess(ConnectionError):  # noqa: N818 -- it is the process that is lost
    """Another process of a run has ended while this one was waiting for it."""


class AverageInModule(DDPStrategy):
    """Lightning's processes without its wrapper around the module, which averages gradients itself.

    The wrapper expects one backward pass per forward pass through all parameters. Here one step has
    several, each for one player, one of them through a gradient.
    """

    def configure_ddp(self) -> None:
        """Leave the module as it is."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or not there.

    Lightning moves its own from the folder for temporary files: a copy, which may be cut off.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a file beside ``path``, then give it its name.

        Raises:
            OSError: It could not be written; what was there before is kept.
        """
        with atomic(path) as part:
            try:
                torch.save(checkpoint, part)
            except RuntimeError as error:  # how PyTorch says that a disk is full
                raise OSError(one_line(error)) from error


def plugins() -> list[Any]:
    """The plugins of every Trainer; under SLURM its tasks are the processes of the run.

    Requeueing is left to submitit: :class:`~farfill.callback.interrupt.Interrupt`.
    """
    slurm = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
    return [AtomicCheckpointIO(), *slurm]


def is_first() -> bool:
    """Whether this is the process that does all the writing, also before they are connected."""
    return cast(Any, rank_zero_only).rank == 0


@contextmanager
def distributed_session(trainer: Trainer, folder: Path, batch_size: int) -> Iterator[None]:
    """Let the processes of a run find each other, and the next run of a sweep its own.

    Raises:
        ValueError: The processes would have different numbers of pictures.
        LostProcess: One of the others has ended.
    """
    if trainer.world_size == 1:
        yield
        return
    if batch_size % trainer.world_size:
        raise ValueError(
            f"{trainer.world_size} processes cannot share {batch_size} pictures evenly: make "
            "batch_size a multiple of their number"
        )
    before = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    try:
        with _started_alone(folder):
            yield
    except BaseException as error:
        if (launcher := trainer.strategy.launcher) is not None:
            # Some may be waiting for a connection to this one, and would for half an hour.
            cast(Any, launcher).kill(signal.SIGTERM)
            # Every five seconds Lightning looks whether one of these has ended, and would kill
            # this process, which is about to say so itself.
            cast(Any, launcher).procs.clear()
        # Gloo has no error of its own, but names its source.
        if isinstance(error, torch.distributed.DistError) or "gloo/transport" in str(error):
            raise LostProcess(
                "another process of this run has ended; the same command goes on from the last "
                "checkpoint"
            ) from error
        raise
    torch.distributed.destroy_process_group()
    for name in _VARIABLES:
        os.environ.pop(name, None)
    os.environ.update(before)


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
