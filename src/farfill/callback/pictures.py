"""Pictures at every validation: what the run can do so far, on fixed holes."""

from pathlib import Path
from typing import Any, cast

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from farfill.evaluation.pictures import attention_map
from farfill.image.contact_sheet import sheet, to_uint8
from farfill.image.write import write_picture
from farfill.op.colour import wheel_legend
from farfill.rundir.record import EXAMPLES, PICTURES
from farfill.types import Batch, Completion

TITLES = ["original", "masked", "coarse", "completed", "borrows from", "colour key"]
SHOWN = TITLES[:-1]  # wandb shows pictures one by one, and no key to their colours


class ValidationPictures(Callback):
    """Writes ``step-<n>.png`` of the first validation pictures, and shows them to wandb.

    At the end wandb gets the last ones once more as a table, which compares across runs.

    Args:
        folder: Where the sheets go.
        count: Pictures on a sheet; 0: none.
    """

    def __init__(self, folder: str | Path, count: int) -> None:
        self.folder = Path(folder)
        self.count = count
        self._names: list[str] = []
        self._rows: list[list[Tensor]] = []
        self._step: int | None = None  # of the last ones that were shown

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the first picture."""
        self._names, self._rows = [], []

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Completion,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the pictures that are still wanted, on the first process."""
        wanted = self.count - len(self._rows)
        if wanted < 1 or trainer.sanity_checking or not trainer.is_global_zero:
            return
        paths = cast(Any, trainer).datamodule.val_set.paths
        # The same name for the same picture in every run: its place and its file's name.
        self._names += [f"{i} {Path(paths[i]).name}" for i in batch.index[:wanted].tolist()]
        self._rows += _rows(batch, outputs)[:wanted]

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and show what was drawn."""
        if not self._rows:
            return
        step = self._step = trainer.global_step
        write_picture(self.folder / f"step-{step:07d}.png", sheet(self._rows, TITLES))
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                import wandb

                images = [
                    wandb.Image(to_uint8(picture), caption=f"{name}: {title}")
                    for name, row in zip(self._names, self._rows, strict=True)
                    for title, picture in zip(SHOWN, row, strict=False)
                ]
                logger.log_metrics(cast(Any, {PICTURES: images}), step)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last validation's pictures as a table; W&B joins runs by ``picture``."""
        for logger in trainer.loggers:
            if self._step is not None and isinstance(logger, WandbLogger):
                import wandb

                table = wandb.Table(columns=["generator_step", "picture", *SHOWN])
                for name, row in zip(self._names, self._rows, strict=True):
                    pictures = [wandb.Image(to_uint8(picture)) for picture in row[: len(SHOWN)]]
                    table.add_data(self._step, name, *pictures)
                # One that grows with every validation would upload all its pictures every time.
                logger.log_metrics(cast(Any, {EXAMPLES: table}), self._step)


@torch.no_grad()
def _rows(batch: Batch, completion: Completion) -> list[list[Tensor]]:
    """One row of :data:`TITLES` per picture, each ``(3, H, W)`` in ``[-1, 1]``.

    The last column explains the colours of the attention map in a batch's first row: white borrows
    from where it is, any other colour from the direction it has in the wheel, the paler the nearer.
    """
    image, hole = batch.image.float(), batch.hole
    wheel = torch.ones_like(image)
    side = min(image.shape[-2:])
    wheel[0, :, :side, :side] = wheel_legend(side)
    attention = attention_map(completion.offsets, batch)
    if attention is None:
        attention = torch.ones_like(image)
    completed = completion.completed(image, hole)
    columns = [image, batch.masked + hole, completion.coarse, completed, attention, wheel]
    return [list(row) for row in zip(*(column.float().cpu() for column in columns), strict=True)]
