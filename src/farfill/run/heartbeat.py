"""How far a run is, in its ``status.json``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer

from farfill.run.status import write_status


class Heartbeat(Callback):
    """Notes the generator step at the first and the last step, and every few seconds between.

    Args:
        folder: Of the run.
        seconds: Between two notes.
    """

    def __init__(self, folder: Path, seconds: float = 10.0) -> None:
        self.folder = folder
        self.seconds = seconds
        self._next = 0.0

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Note the step."""
        step = cast(int, pl_module.generator_steps)
        due = time.monotonic() >= self._next or step == trainer.num_training_batches
        if due and trainer.is_global_zero:
            self._next = time.monotonic() + self.seconds
            write_status(self.folder, "running", step=step)
