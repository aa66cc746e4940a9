"""Ctrl-C, and what a cluster sends before it takes a machine away, end a run at a whole step."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from lightning import Callback, LightningModule, Trainer

from farfill.errors import in_sweep
from farfill.module.trainer_parts import LostProcess, is_first
from farfill.op.runtime import any_rank
from farfill.rundir.resume import Stopped

#: Sent by submitit before a job's time is over or it is preempted.
PREEMPTED = signal.SIGUSR2
_SIGNALS = (signal.SIGINT, signal.SIGTERM, PREEMPTED)


class RunSignals:
    """What SIGINT, SIGTERM and SIGUSR2 do to a run from its first to its last moment.

    Between its first and its last step they are only noted, for :class:`Interrupt` to read. Before
    and after there is no step to finish, and :class:`~farfill.rundir.resume.Stopped` is raised.

    Attributes:
        received: The first signal, in the process that got it.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._raises = False
        self._process = 0
        self._previous: dict[signal.Signals, Any] = {}

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take over the signals (only the main thread may), and end as the one that came asks.

        Requeueing is submitit's alone; Lightning's is switched off.

        Raises:
            SystemExit: With 75 ("try again later") if a run was stopped and not by Ctrl-C.
            KeyboardInterrupt: In a sweep, to end all of it and not this run alone.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self.received, self._raises, self._process = None, False, os.getpid()
        before = {number: signal.getsignal(number) for number in _SIGNALS}
        # The shell has Ctrl-C ignored by what it starts in the background.
        self._previous = {
            one: handler for one, handler in before.items() if handler != signal.SIG_IGN
        }
        self.listen()
        try:
            yield
        except Stopped:
            self._give_back()
            self._end()
        finally:
            self._give_back()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Let a signal end this block where no step is under way, also one that came before it.

        Raises:
            Stopped: It has.
        """
        try:
            self.at_no_step()
            yield
        except (RuntimeError, LostProcess) as error:
            # The signal went to all, and one of the others was gone before it was noted here.
            gone = isinstance(error, LostProcess) or "DataLoader worker" in str(error)
            if self.received is None or not gone:
                raise
            raise Stopped from error
        finally:
            self._raises = False

    def listen(self) -> None:
        """Set the handlers, again if somebody else has meanwhile; nothing outside of a run."""
        for number in self._previous:
            signal.signal(number, self._answer)

    def at_no_step(self) -> None:
        """From now on a signal raises.

        Raises:
            Stopped: One has come already.
        """
        self._raises = True
        if self.received is not None:
            raise Stopped

    def at_steps(self) -> None:
        """From now on a signal is noted."""
        self._raises = False

    def _answer(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self._process:
            return  # a worker which has not got as far as ignoring it
        self.received = self.received or signal.Signals(number)
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self._raises:
            self._raises = False
            raise Stopped
        again = " (Ctrl-C again stops at once)" if number == signal.SIGINT else ""
        with suppress(OSError):  # not print, which may be under way
            os.write(2, f"\nStopping after this generator step{again} ...\n".encode())

    def _give_back(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        self._previous = {}

    def _end(self) -> None:
        handler = signal.getsignal(PREEMPTED)
        if self.received == PREEMPTED and is_first() and callable(handler):
            # Requeueing ends all tasks; Lightning would answer that by speaking to those gone.
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            handler(PREEMPTED, None)
        if self.received != signal.SIGINT:
            raise SystemExit(75)
        if in_sweep():
            raise KeyboardInterrupt


#: Signals reach a process, not an object: there is one for all runs of a process.
SIGNALS = RunSignals()


class Interrupt(Callback):
    """First signal: finish the step, save, end. Second Ctrl-C: stop at once.

    Without it a signal ends the step under way, and the run goes on from its last checkpoint.
    """

    def __init__(self) -> None:
        self.stopped = False

    def on_sanity_check_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Lightning has just set a handler that ends the process with status 0."""
        SIGNALS.listen()

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """There are steps to finish from here on."""
        SIGNALS.listen()
        SIGNALS.at_steps()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Stop between two steps, where both players are whole, in all processes at once."""
        self.stopped = any_rank(SIGNALS.received is not None, pl_module.device)
        if self.stopped:
            trainer.should_stop = True
            flags: Any = trainer
            if trainer.global_step % max(1, flags.log_every_n_steps):
                flags.log_every_n_steps = 0  # Lightning would log because of the stop
            if not _is_validated(trainer):
                trainer.limit_val_batches = 0  # Lightning would validate because of the stop


def _is_validated(trainer: Trainer) -> bool:
    """Whether a validation belongs to this step, with or without a stop."""
    loop, every = trainer.fit_loop, trainer.val_check_batch
    batch = loop.total_batch_idx if trainer.check_val_every_n_epoch is None else loop.batch_idx
    at_interval = not (batch + 1) % every if isinstance(every, int) else trainer.is_last_batch
    return at_interval or trainer.global_step == trainer.max_steps


def stop_if_asked(trainer: Trainer) -> None:
    """End a run which a signal has stopped between two steps or after the last one.

    Raises:
        Stopped: It has; signals raise it from here on.
    """
    callbacks: list[Any] = getattr(trainer, "callbacks", [])
    if any(isinstance(c, Interrupt) and c.stopped for c in callbacks):
        raise Stopped(trainer.global_step)
    SIGNALS.at_no_step()
