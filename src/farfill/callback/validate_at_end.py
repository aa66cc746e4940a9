"""The last step is validated, whatever the interval."""

from typing import Any

from lightning import Callback, Trainer


class ValidateAtEnd(Callback):
    """Lightning leaves out the last validation where its interval does not divide the steps."""

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        """Ask for a validation after this step if it is the last."""
        last_epoch = trainer.current_epoch + 1 == trainer.max_epochs
        if trainer.global_step == trainer.max_steps or (last_epoch and trainer.is_last_batch):
            trainer.val_check_batch = 1
            if trainer.check_val_every_n_epoch is not None:
                trainer.check_val_every_n_epoch = 1
