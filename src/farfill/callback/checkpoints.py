"""Checkpoints counted in generator steps, each written whole or not at all."""

from __future__ import annotations

import math
from copy import deepcopy
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
        every: Generator steps between two saves; 0: only at the end.
        keep_steps: Whether to keep a ``step-<n>.ckpt`` each time.
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
        if mode not in ("min", "max"):
            raise ValueError(f"expected `checkpoint.mode` to be min or max, got {mode!r}")
        self.folder = Path(folder)
        self.every = every
        self.keep_steps = keep_steps
        self.monitor = monitor
        self.sign = {"min": 1.0, "max": -1.0}[mode]
        self.description = description
        self.best: float | None = None
        self._due = False
        self._between_steps: dict[str, Any] = {}

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Decide whether to save: every ``every`` steps, at the last one, and when asked to stop.

        Saving waits until this step's row is logged, and for a validation where one follows, so
        that a run which goes on from the file continues ``metrics.csv`` and knows the best value.
        """
        step = cast(int, pl_module.generator_steps)
        last = step == trainer.num_training_batches
        if last:
            trainer.val_check_batch = 1  # the last step is always validated
        self._due = last or trainer.should_stop or bool(self.every and step % self.every == 0)
        validated = trainer.enable_validation and step % cast(int, trainer.val_check_batch) == 0
        if self._due or validated:
            self._between_steps = deepcopy(trainer.fit_loop.state_dict())
            self._between_steps["epoch_loop.batch_progress"]["is_last_batch"] = False

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Save what was due at the step before."""
        self._save(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save what was due at the last step."""
        self._save(trainer, pl_module)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the best so far, and what was due at this step."""
        if trainer.sanity_checking:
            return
        value = float(trainer.callback_metrics[self.monitor])
        better = self.best is None or self.sign * value < self.sign * self.best
        if math.isfinite(value) and better:
            self.best = value
            self._write(trainer, "best.ckpt")
        self._save(trainer, pl_module)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Make the file complete: weights alone do not say which network they fit."""
        checkpoint["farfill"] = self.description
        # Lightning resumes from inside a validation, or after the end, in ways that skip training.
        checkpoint["loops"]["fit_loop"] = self._between_steps

    def state_dict(self) -> dict[str, Any]:
        """Remember the best value, or a resumed run would overwrite ``best.ckpt`` with a worse."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """See :meth:`state_dict`; in another folder the best is yet to be found."""
        self.best = state_dict["best"] if (self.folder / "best.ckpt").is_file() else None

    def _save(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not self._due:
            return
        self._due = False
        self._write(trainer, "last.ckpt")
        if self.keep_steps:
            self._write(trainer, f"step-{cast(int, pl_module.generator_steps):07d}.ckpt")

    def _write(self, trainer: Trainer, name: str) -> None:
        if not trainer.is_global_zero:
            trainer.save_checkpoint(self.folder / name, weights_only=False)  # writes nothing
            return
        path = self.folder / name
        try:
            with atomic(path) as part:
                trainer.save_checkpoint(part, weights_only=False)  # with optimisers and counts
        # A RuntimeError is how PyTorch says that a disk is full.
        except (OSError, RuntimeError) as error:
            raise OSError(
                f"{path} could not be written ({error}): the file before it is kept; make room, "
                "then the same command with this run's folder goes on"
            ) from error
