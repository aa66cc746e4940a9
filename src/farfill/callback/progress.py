"""Lightning's progress bar, speaking of generator steps."""

from __future__ import annotations

import sys

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import TQDMProgressBar
from lightning.pytorch.callbacks.progress.tqdm_progress import Tqdm


class Progress(TQDMProgressBar):
    """Losses, steps per second and the time left; less often where there is no terminal."""

    def __init__(self) -> None:
        super().__init__(refresh_rate=1 if sys.stdout.isatty() else 20)

    def init_train_tqdm(self) -> Tqdm:
        """Name the unit."""
        bar = super().init_train_tqdm()
        bar.unit = " steps"
        return bar

    def init_validation_tqdm(self) -> Tqdm:
        """Nothing but the training bar where bars cannot be wiped off again."""
        bar = super().init_validation_tqdm()
        bar.disable = bar.disable or not sys.stdout.isatty()
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
