"""Lightning's progress bar, speaking of generator steps."""

from __future__ import annotations

import time
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm


class Progress(TQDMProgressBar):
    """A bar for a terminal: losses, steps per second and the time left."""

    def init_train_tqdm(self) -> Tqdm:
        """Name the unit."""
        bar = super().init_train_tqdm()
        bar.unit = " steps"
        return bar

    def on_train_epoch_start(self, trainer: Trainer, *_: object) -> None:
        """Count generator steps: the whole training is one pass over one endless stream."""
        super().on_train_epoch_start(trainer)
        self.train_progress_bar.set_description("generator step")

    def get_metrics(
        self, trainer: Trainer, pl_module: LightningModule
    ) -> dict[str, int | str | float | dict[str, float]]:
        """Show short names and no version number."""
        metrics = super().get_metrics(trainer, pl_module)
        metrics.pop("v_num", None)
        return {
            name.removeprefix("train/").removesuffix("/total"): value
            for name, value in metrics.items()
        }


class Lines(Callback):
    """Twenty lines for a log file, where a bar would be noise."""

    def __init__(self) -> None:
        self._start: tuple[float, int] | None = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Say how far the run is, and how long it will take."""
        if not trainer.is_global_zero:
            return
        step, last = cast(int, pl_module.generator_steps), int(trainer.num_training_batches)
        if self._start is None:
            self._start = (time.monotonic(), step)
        if step % max(1, last // 20) and step != last:
            return
        begun, first = self._start
        rate = (step - first) / max(1e-9, time.monotonic() - begun)
        left = f", {(last - step) / rate / 60:.1f} min left" if rate else ""
        print(f"generator step {step}/{last}{left}", flush=True)
