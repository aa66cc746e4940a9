"""A sheet of pictures at every validation: what the run can do so far, on fixed holes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from farfill.callback.picture_table import log_table, picture_names
from farfill.image.contact_sheet import sheet
from farfill.image.write import write_picture
from farfill.op.colour import flow_to_colour, wheel_legend
from farfill.op.resize import resize_nearest
from farfill.types import Batch, Completion

KEY = "val/pictures"
TITLES = ["original", "masked", "coarse", "completed", "borrows from", "colour key"]


class Pictures(Callback):
    """Writes ``step-<n>.png`` for the first validation pictures, and shows it to wandb.

    At the end wandb gets the last ones once more as a table, which compares across runs.

    Args:
        folder: Where the sheets go.
        count: Pictures on a sheet.
    """

    def __init__(self, folder: str | Path, count: int) -> None:
        self.folder = Path(folder)
        self.count = count
        self._last: tuple[int, list[str], list[list[Tensor]]] | None = None

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Completion,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Draw the first batch's pictures, on the first process."""
        if batch_idx or trainer.sanity_checking or not trainer.is_global_zero or not self.count:
            return
        step = cast(int, pl_module.generator_steps)
        shown = rows(batch, outputs)[: self.count]
        picture = sheet(shown, TITLES)
        paths = cast(Any, trainer).datamodule.val_set.paths
        self._last = step, picture_names(batch.index.tolist()[: self.count], paths), shown
        write_picture(self.folder / f"step-{step:07d}.png", picture)
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_image(KEY, [picture], step=step)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Show the last validation's pictures as a table."""
        for logger in trainer.loggers:
            if self._last is not None and isinstance(logger, WandbLogger):
                log_table(logger, *self._last, TITLES[:-1])  # all but the colours' key


@torch.no_grad()
def rows(batch: Batch, completion: Completion) -> list[list[Tensor]]:
    """One row of :data:`TITLES` per picture, each ``(3, H, W)`` in ``[-1, 1]``.

    The last column explains the colours of the attention map in the first row: white borrows from
    where it is, any other colour from the direction it has in the wheel, the paler the nearer.
    """
    image, hole = batch.image.float(), batch.hole
    height, width = image.shape[-2:]
    blank = torch.ones_like(image)
    wheel = blank.clone()
    side = min(height, width)
    wheel[0, :, :side, :side] = wheel_legend(side)
    attention = blank
    if completion.offsets is not None:
        # One at a time, so that every map has its own full range of colours.
        maps = [flow_to_colour(offsets[None]) for offsets in completion.offsets]
        attention = resize_nearest(torch.cat(maps), height, width)
    completed = completion.completed(image, hole)
    columns = [image, batch.masked + hole, completion.coarse, completed, attention, wheel]
    return [list(row) for row in zip(*(column.float().cpu() for column in columns), strict=True)]
