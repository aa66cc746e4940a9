"""One Weights & Biases run per run, however often it was cut off: no row twice, none lost."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import WandbLogger as LightningWandbLogger

from farfill.callback import picture_table, pictures
from farfill.rundir.metrics_csv import NAME, read_rows
from farfill.tracking.wandb_records import history_of, read_records

#: What every row has, besides what wandb adds with a leading underscore.
_COMMON = ("generator_step", "epoch", "trainer/global_step", "step")
_PICTURES = (picture_table.KEY, pictures.KEY)
Row = tuple[int, str]


class WandbLogger(LightningWandbLogger):
    """Lightning's, which leaves out rows that wandb has already.

    A run that goes on from a checkpoint repeats, bit for bit, the steps after it that the cut-off
    run had logged. And rows which a killed process had not handed over are in ``metrics.csv``.
    """

    _has: frozenset[Row] = frozenset()

    def go_on(self, folder: Path, done: int) -> None:
        """Find out what wandb has of this run, and send what it should have.

        Args:
            folder: Of the run.
            done: Generator steps that the run has behind it.
        """
        run = self.experiment
        earlier = _offline(folder, run.id) if run.settings._offline else _online(run)
        self._has = frozenset(earlier)
        for row in read_rows(folder / NAME, done):
            values = {name: float(value) for name, value in row.items() if value}
            step = int(values.pop("step"))
            self.log_metrics(values, step)

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log a row unless wandb has it."""
        if step is None or _identity(step, metrics) not in self._has:
            super().log_metrics(metrics, step)


def _identity(step: int, names: Iterable[str]) -> Row:
    """Step and first metric: a step may have a row of training, one of validation, and pictures."""
    own = (name for name in names if name not in _COMMON and not name.startswith("_"))
    return step, min(own, default="")


def _offline(folder: Path, run: str) -> Iterable[Row]:
    for path in folder.glob(f"wandb/offline-run-*/run-{run}.wandb"):
        yield from _rows(history_of(read_records(path)))


def _online(run: Any) -> Iterable[Row]:
    import wandb

    if not run.resumed:
        return ()
    return _rows(wandb.Api().run(run.path).scan_history())


def _rows(history: Iterable[Mapping[str, Any]]) -> Iterable[Row]:
    for row in history:
        names = [name for name, value in row.items() if value is not None]
        # Of pictures wandb keeps several values below the name.
        names = [next((x for x in _PICTURES if name.startswith(f"{x}/")), name) for name in names]
        if row.get("trainer/global_step") is not None:
            yield _identity(int(row["trainer/global_step"]), names)
