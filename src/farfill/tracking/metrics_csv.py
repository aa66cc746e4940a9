"""``metrics.csv``, which a run that goes on continues without a gap or a repeated row."""

import csv
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities.rank_zero import rank_zero_only
from torch import Tensor

from farfill.files import atomic, naming, read_rows
from farfill.rundir.record import COUNTS


class ResumableCSVLogger(Logger):
    """What Lightning's ``CSVLogger`` writes; but that deletes an earlier ``metrics.csv``.

    Every row is written at once. A run that goes on from a checkpoint repeats, in the same order,
    the rows that the cut-off run had logged after it: so the first row that this process logs, and
    all that follow it in the file, give way to it. A torn last line goes too.

    Raises:
        ValueError: There is a file, but no such table; nothing was changed.
    """

    name = version = save_dir = ""  # the file lies in the folder itself

    def __init__(self, save_dir: str | Path) -> None:
        super().__init__()
        self.save_dir = str(save_dir)
        self._path = Path(save_dir) / "metrics.csv"
        self._columns: list[str] = []  # of the file, once this process has logged a row
        self._step = 0
        read_rows(self._path)  # else the run would fail at its first row

    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Nothing: the run's folder has its ``config.yaml``."""

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float | Tensor], step: int | None = None) -> None:
        """Append a row; ``step`` None is that of the row before. A new metric makes a new file."""
        self._step = self._step if step is None else step
        numbers = {k: v.item() if isinstance(v, Tensor) else v for k, v in metrics.items()}
        row = {**numbers, "step": self._step}
        if self._columns and row.keys() <= set(self._columns):
            with naming(self._path), self._path.open("a", encoding="utf-8", newline="") as file:
                csv.DictWriter(file, self._columns).writerow(row)
            return
        rows: list[dict[str, Any]] = [*read_rows(self._path)]
        if not self._columns and step is not None:
            rows = list(takewhile(lambda old: not _is_repeated(old, row), rows))
        self._columns = sorted({*(rows[0] if rows else ()), *row})
        with atomic(self._path) as part, part.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, self._columns)
            writer.writeheader()
            writer.writerows([*rows, row])


def _is_repeated(old: Mapping[str, str], first: Mapping[str, Any]) -> bool:
    """Whether a run whose first row is ``first`` logs ``old`` again: that row, or a later one.

    A step may have a row of training and one of validation, which share no metric; a checkpoint
    may have been saved between the two.
    """
    if int(old["step"]) != first["step"]:
        return int(old["step"]) > first["step"]
    return any(old.get(name) for name in first if name not in COUNTS)
