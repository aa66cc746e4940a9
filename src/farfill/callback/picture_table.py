"""The last validation's pictures as a table for Weights & Biases, one row each."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lightning.pytorch.loggers import WandbLogger
from torch import Tensor

from farfill.image.contact_sheet import to_uint8

KEY = "val/examples"


def log_table(
    logger: WandbLogger,
    step: int,
    names: Sequence[str],
    rows: Sequence[Sequence[Tensor]],
    titles: Sequence[str],
) -> None:
    """Log ``generator_step``, ``picture`` and the pictures themselves under :data:`KEY`.

    Rows of other runs with the same ``picture`` show the same picture, so W&B can join them.

    Args:
        logger: Of the run.
        step: Generator step at which the pictures were completed.
        names: What to call each row, see :func:`picture_names`.
        rows: Pictures ``(3, H, W)`` in ``[-1, 1]``.
        titles: A column each; what rows have beyond these is left out.
    """
    import wandb

    table = wandb.Table(columns=["generator_step", "picture", *titles])
    for name, row in zip(names, rows, strict=True):
        pictures = [wandb.Image(to_uint8(picture)) for picture in row[: len(titles)]]
        table.add_data(step, name, *pictures)
    with _files_below(Path(logger.save_dir or ".") / "wandb"):
        # A table that grows with every validation would upload all its pictures every time.
        logger.log_metrics({KEY: table, "generator_step": float(step)}, step)  # type: ignore[dict-item]


def picture_names(indices: Sequence[int], paths: Sequence[Path]) -> list[str]:
    """The same name for the same picture in every run: its place and its file's name."""
    return [f"{index} {Path(paths[index]).name}" for index in indices]


@contextmanager
def _files_below(folder: Path) -> Iterator[None]:
    """Let wandb keep a table's files in the run's folder; by default it fills the user's home.

    An offline run reads them from there again when it is uploaded.
    """
    name = "WANDB_DATA_DIR"
    before = os.environ.get(name)
    os.environ.setdefault(name, str(folder.absolute()))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
