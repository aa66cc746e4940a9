"""Checkpoints counted in generator steps, each written whole or not at all."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, Literal, cast

from lightning import Callback, LightningModule, Trainer

from farfill.files import atomic
from farfill.metric.suite import NAMES


class Checkpoints(Callback):
    """Writes ``last.ckpt``, ``step-<n>.ckpt`` every n generator steps, and ``best.ckpt``.

    Lightning's own callback counts optimizer steps, of which there are several per generator step.

    Args:
        folder: Where the files go.
        every: Generator steps between ``step-<n>.ckpt`` files (``last.ckpt`` is written as often);
            0: only at the end.
        keep_steps: Whether the ``step-<n>.ckpt`` files are kept at all.
        monitor: Validation metric that decides what is best, e.g. ``val/l1_hole``.
        mode: Whether it is to be small (``min``) or large (``max``).
        description: Plain values that say what the weights belong to; it goes into every file.

    Raises:
        ValueError: If ``monitor`` is no validation metric.
    """

    def __init__(
        self,
        folder: str | Path,
        every: int,
        keep_steps: bool,
        monitor: str,
        mode: Literal["min", "max"],
        description: dict[str, Any],
    ) -> None:
        if monitor not in (names := [f"val/{name}" for name in NAMES]):
            raise ValueError(f"expected `checkpoint.monitor` to be one of {names}, got {monitor!r}")
        self.folder = Path(folder)
        self.every = every
        self.keep_steps = keep_steps
        self.monitor = monitor
        self.sign = {"min": 1.0, "max": -1.0}[mode]
        self.description = description
        self.best: float | None = None

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Save every ``every`` generator steps, at the last one, and when the run is to stop.

        Not when training has ended: Lightning would take such a file for a finished run.
        """
        step = cast(int, pl_module.generator_steps)
        last = step == trainer.num_training_batches
        due = bool(self.every) and step % self.every == 0
        if last:
            trainer.val_check_batch = 1  # the last step is always validated
        if due or last or trainer.should_stop:
            self._save(trainer, "last.ckpt")
        if due and self.keep_steps:
            self._save(trainer, f"step-{step:07d}.ckpt")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best so far."""
        if trainer.sanity_checking:
            return
        value = float(trainer.callback_metrics[self.monitor])
        if math.isfinite(value) and (
            self.best is None or self.sign * value < self.sign * self.best
        ):
            self.best = value
            self._save(trainer, "best.ckpt")

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Make the file complete: weights alone do not say which network they fit."""
        checkpoint["farfill"] = self.description

    def state_dict(self) -> dict[str, Any]:
        """Remember the best value, or a resumed run would overwrite ``best.ckpt`` with a worse."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See :meth:`state_dict`."""
        self.best = state_dict["best"]

    def _save(self, trainer: Trainer, name: str) -> None:
        with atomic(self.folder / name) as part:
            trainer.save_checkpoint(part, weights_only=False)  # with optimisers and counts
