"""How long a generator step takes, and how long it waits for its pictures."""

import time
from typing import Any

from lightning import Callback, LightningModule, Trainer


class StepTimer(Callback):
    """Logs ``train/time/step`` and ``train/time/data_wait``, both in seconds.

    The former is all from one step's end to the next, the latter the part in which the next
    pictures were not ready yet. Validation and saving count as neither.
    """

    def __init__(self) -> None:
        self._idle: float | None = None
        self._start: float | None = None

    def on_save_checkpoint(self, *_: Any) -> None:
        """Forget the step in which a checkpoint is written."""
        self._idle = None

    def on_validation_start(self, *_: Any) -> None:
        """Forget the step in which there was a validation."""
        self._idle = None

    def on_train_batch_start(self, *_: Any) -> None:
        """The pictures are here."""
        self._start = time.perf_counter()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """The step is done."""
        now = time.perf_counter()
        if self._idle is not None and self._start is not None:
            pl_module.log("train/time/step", now - self._idle)
            pl_module.log("train/time/data_wait", self._start - self._idle)
        self._idle = now
