"""How far a run is, in its ``status.json``."""

import time
from pathlib import Path
from typing import Any

from lightning import Callback, Trainer

from farfill.rundir.status import write_status


class Heartbeat(Callback):
    """Notes the generator step every few seconds, with every checkpoint, and when a run ends.

    Args:
        folder: Of the run.
        seconds: Between two notes.
    """

    def __init__(self, folder: str, seconds: float = 10.0) -> None:
        self.folder = Path(folder)
        self.seconds = seconds
        self._next = 0.0

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Note the step."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + self.seconds
            self.on_save_checkpoint(trainer)

    def on_save_checkpoint(self, trainer: Trainer, *_: Any) -> None:
        """Note the step from which a run that is killed now will go on."""
        if trainer.is_global_zero:
            write_status(self.folder, "running", step=trainer.global_step)

    def on_train_end(self, trainer: Trainer, *_: Any) -> None:
        """Note the last step, also of a run that keeps no checkpoint."""
        self.on_save_checkpoint(trainer)

    def on_exception(self, trainer: Trainer, *_: Any) -> None:
        """Note the step at which the run failed."""
        self.on_save_checkpoint(trainer)
