"""The checkpoint from which a run goes on, bit for bit."""

from copy import deepcopy
from pathlib import Path
from typing import Any, cast

from lightning import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint


class LastCheckpoint(Checkpoint):
    """Writes ``last.ckpt`` every few generator steps and at the end.

    Lightning's ``ModelCheckpoint`` saves a step before the validation that belongs to it and before
    its row is logged, so a run that is killed in between would go on without either. This one
    waits for both; and whatever is saved, ``best.ckpt`` too, continues between two steps.

    Args:
        dirpath: Where the files go.
        every_n_train_steps: Generator steps between two saves; 0: only at the end.
        keep: Whether to keep a ``step-<n>.ckpt`` each time.

    Raises:
        ValueError: If ``every_n_train_steps`` is negative.
    """

    def __init__(self, dirpath: str, every_n_train_steps: int = 100, keep: bool = False) -> None:
        if every_n_train_steps < 0:
            raise ValueError(
                "expected `callbacks.last_checkpoint.every_n_train_steps` from 0, got "
                f"{every_n_train_steps}"
            )
        self.dirpath = Path(dirpath)
        self.every_n_train_steps = every_n_train_steps
        self.keep = keep
        self._due = False
        self._between_steps: dict[str, Any] = {}

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Remember where the loop is, and whether this step is to be saved."""
        if cast(Any, trainer).fast_dev_run:
            return
        every = self.every_n_train_steps
        self._due = bool(every) and trainer.global_step % every == 0
        self._between_steps = deepcopy(trainer.fit_loop.state_dict())
        # The last step of this run is not that of a run which is prolonged.
        self._between_steps["epoch_loop.batch_progress"]["is_last_batch"] = False

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save what was due, now that the best value is known."""
        if self._due and not trainer.sanity_checking:
            self._save(trainer)

    def on_train_batch_start(self, trainer: Trainer, *_: Any) -> None:
        """Save what was due at the step before, whose row is logged now."""
        if self._due:
            self._save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save the end, whatever ended the run."""
        if self._between_steps:
            self._save(trainer)

    def on_save_checkpoint(
        self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]
    ) -> None:
        """Let whoever resumes begin with the next step.

        From inside a validation, or after the end, Lightning would skip training.
        """
        if self._between_steps:
            checkpoint["loops"]["fit_loop"] = self._between_steps

    def _save(self, trainer: Trainer) -> None:
        self._due = False
        trainer.save_checkpoint(self.dirpath / "last.ckpt")
        if self.keep and trainer.global_step:
            trainer.save_checkpoint(self.dirpath / f"step-{trainer.global_step:07d}.ckpt")
