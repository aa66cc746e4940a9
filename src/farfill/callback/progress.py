"""How far a run is, on a terminal or in a log."""

import math
import sys
import time
from typing import Any

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar, TQDMProgressBar

from farfill.text import say


def progress_bar(enabled: bool = True, rich: bool = False) -> Callback | None:
    """Lightning's own bar on a terminal, :class:`LogProgress` elsewhere, or none.

    Args:
        enabled: Whether there is to be any, as ``trainer.enable_progress_bar``.
        rich: Lightning's ``RichProgressBar`` instead of its ``TQDMProgressBar``.
    """
    if not enabled:
        return None
    if not sys.stdout.isatty():
        return LogProgress()
    return RichProgressBar() if rich else TQDMProgressBar()


class LogProgress(ProgressBar):
    """Twenty lines for a log file, where each redrawing of a bar would be a line."""

    def __init__(self) -> None:
        super().__init__()
        self._begun: tuple[float, int] | None = None

    def disable(self) -> None:
        """Nothing to do: only the first process prints."""

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Say how far the run is, and how long it will take."""
        step, last = trainer.global_step, trainer.estimated_stepping_batches
        ends = last < math.inf  # else trainer.max_time alone ends the run
        if self._begun is None:
            self._begun = (time.monotonic(), step)
        every = max(1, int(last if ends else trainer.num_training_batches) // 20)
        if not trainer.is_global_zero or (step % every and step != last):
            return
        begin, first = self._begun
        rate = (step - first) / max(1e-9, time.monotonic() - begin)
        left = f", {(last - step) / rate / 60:.1f} min left" if rate and ends else ""
        say(f"generator step {step}{f'/{last}' if ends else ''}{left}")
