"""What the Trainer of a run is given besides its flags."""

import logging
import warnings
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.plugins.io import TorchCheckpointIO
from lightning.pytorch.strategies import DDPStrategy

from farfill.files import atomic


class AverageInModule(DDPStrategy):
    """Lightning's processes without its wrapper around the module, which averages gradients itself.

    The wrapper expects one backward pass per forward pass through all parameters. Here one step has
    several, each for one player, one of them through a gradient.
    """

    def configure_ddp(self) -> None:
        """Leave the module as it is."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Checkpoints that are whole or not there.

    Lightning's own are written to the folder for temporary files and moved, which is a copy where
    that is another file system, and may be cut off.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None
    ) -> None:
        """Write a file beside ``path``, then give it its name.

        Raises:
            OSError: It could not be written; what was there before is kept.
        """
        try:
            with atomic(path) as part:
                torch.save(checkpoint, part)
        # A RuntimeError is how PyTorch says that a disk is full.
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"{path} could not be written ({error}): the file before it is kept; make room, "
                "then the same command with this run's folder goes on"
            ) from error


def plugins() -> list[Any]:
    """The plugins of every Trainer; under SLURM its tasks are the processes of the run.

    Requeueing is left to submitit: :class:`~farfill.callback.interrupt.Interrupt`.
    """
    slurm = [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []
    return [AtomicCheckpointIO(), *slurm]


def quiet() -> None:
    """Leave to Hydra's log what Lightning says, and unsaid what nobody can act on."""
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logger = logging.getLogger(name)
        logger.handlers.clear()  # Hydra's write the same line to the terminal and to train.log
        logger.propagate = True
    for name in ("utilities.rank_zero", "trainer.connectors.checkpoint_connector"):
        logging.getLogger(f"lightning.pytorch.{name}").setLevel(logging.WARNING)
    messages = (
        ".*does not have many workers.*",
        ".*resuming from a checkpoint that ended.*",  # the stream starts where the run was cut
        ".*LeafSpec.*",
        ".*Detected call of `lr_scheduler.step.*",  # of a first update that was skipped
        ".*It is recommended to use `self.log.*",  # what is logged is reduced already
        ".*`srun` command is available.*",  # on a login node one trains without it
        ".*The dirpath has changed.*",  # the best of another folder is not the best of this one
        ".*Checkpoint directory .* exists and is not empty.*",  # of a run that goes on
    )
    for message in messages:
        warnings.filterwarnings("ignore", message=message)
