"""Ctrl-C, and what a cluster sends before it takes a machine away, end a run at a whole step."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer

from farfill.op.runtime import any_rank

#: Sent by submitit before a job's time is over or it is preempted.
PREEMPTED = signal.SIGUSR2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, PREEMPTED)


class Interrupt(Callback):
    """First signal: finish the step, save, end. Second Ctrl-C: stop at once.

    It has to come before :class:`~farfill.callback.checkpoints.Checkpoints`, which saves.

    Attributes:
        stopped: Whether the run was ended this way.
        received: The signal, in the process that got it.
    """

    def __init__(self) -> None:
        self.stopped = False
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signals (only the main thread may), also from Lightning."""
        if threading.current_thread() is not threading.main_thread():
            return

        def stop(number: int, frame: FrameType | None) -> None:
            self.received = signal.Signals(number)
            again = " (Ctrl-C again stops at once)" if number == signal.SIGINT else ""
            print(f"\nStopping after this generator step{again} ...", flush=True)
            signal.signal(signal.SIGINT, signal.SIG_DFL)

        self._previous = {number: signal.signal(number, stop) for number in _SIGNALS}

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Stop between two steps, where both players are whole, in all processes at once."""
        self.stopped = any_rank(self.received is not None, pl_module.device)
        if self.stopped:
            trainer.limit_val_batches = 0  # a stop asks for a checkpoint, not for a validation
            trainer.should_stop = True

    def requeue(self) -> None:
        """Let submitit answer a preemption: it queues the job again and ends this process.

        Requeueing is submitit's alone; Lightning's is switched off. Without submitit nothing
        happens here.
        """
        handler = signal.getsignal(PREEMPTED)
        if self.received == PREEMPTED and callable(handler):
            # Requeueing ends all tasks; Lightning would answer that by speaking to those gone.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            handler(PREEMPTED, None)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}
