"""Ctrl-C ends a run at the next whole generator step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer


class Interrupt(Callback):
    """First Ctrl-C: finish the step, save, end. Second Ctrl-C: stop at once.

    It has to come before :class:`~farfill.callback.checkpoints.Checkpoints`, which saves.

    Attributes:
        stopped: Whether the run was ended this way.
    """

    def __init__(self) -> None:
        self.stopped = False
        self._previous: Any = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Take over the signal (only the main thread may)."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            print("\nStopping after this generator step (Ctrl-C again stops at once) ...")
            self.stopped = True
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        self._previous = signal.signal(signal.SIGINT, stop)

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Stop between two steps, where both players are whole."""
        if self.stopped:
            trainer.limit_val_batches = 0  # a stop asks for a checkpoint, not for a validation
            trainer.should_stop = True

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signal back."""
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None
