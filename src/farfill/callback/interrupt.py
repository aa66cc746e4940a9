"""Ctrl-C, and what a cluster sends before it takes a machine away, end a run at a whole step."""

import signal
import threading
from pathlib import Path
from types import FrameType
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer

from farfill.errors import in_sweep
from farfill.op.runtime import any_rank
from farfill.rundir.resume import how_to_go_on
from farfill.rundir.status import write_status

#: Sent by submitit before a job's time is over or it is preempted.
PREEMPTED = signal.SIGUSR2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, PREEMPTED)


class Interrupt(Callback):
    """First signal: finish the step, save, end. Second Ctrl-C: stop at once.

    Args:
        folder: Of the run.

    Attributes:
        stopped: Whether the run was ended this way.
        received: The signal, in the process that got it.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self.stopped = False
        self.received: signal.Signals | None = None
        self._previous: dict[signal.Signals, Any] = {}

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signals for the first step to end at."""
        self.on_train_start(trainer, pl_module)

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Take over the signals (only the main thread may), also from Lightning."""
        if self._previous or threading.current_thread() is not threading.main_thread():
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
            trainer.should_stop = True
            if trainer.global_step != trainer.max_steps:  # the last step is not gone through again
                trainer.limit_val_batches = 0  # a stop asks for a checkpoint, not for a validation

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Give the signals back."""
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}


def hand_over(trainer: Trainer) -> bool:
    """End a process whose run a signal has stopped: say how to go on, or queue its job again.

    Requeueing is submitit's alone; Lightning's is switched off.

    Returns:
        Whether the run was stopped.

    Raises:
        SystemExit: With 75 ("try again later") if it was not Ctrl-C, for whoever sent the signal.
        KeyboardInterrupt: In a sweep, to end all of it and not this run alone.
    """
    callbacks = cast(Any, trainer).callbacks
    callback = next((c for c in callbacks if isinstance(c, Interrupt) and c.stopped), None)
    if callback is None:
        return False
    folder, received = callback.folder, callback.received
    message = f"Stopped at generator step {trainer.global_step}: {how_to_go_on()}."
    write_status(folder, "preempted", step=trainer.global_step, message=message)
    print(message, flush=True)
    handler = signal.getsignal(PREEMPTED)
    if received == PREEMPTED and callable(handler):
        # Requeueing ends all tasks; Lightning would answer that by speaking to those gone.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        handler(PREEMPTED, None)
    if received != signal.SIGINT:
        raise SystemExit(75)
    if in_sweep():
        raise KeyboardInterrupt
    return True
