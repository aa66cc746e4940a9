"""``metrics.csv``, which a run that goes on continues without a gap or a repeated row."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lightning.fabric.loggers.logger import rank_zero_experiment
from lightning.pytorch.loggers import CSVLogger
from lightning.pytorch.loggers.csv_logs import ExperimentWriter

from farfill.files import atomic

NAME = "metrics.csv"


class MetricsFile(CSVLogger):
    """Lightning's CSV logger, one row per logged step, each written at once.

    Args:
        folder: Of the run.
        until: Generator steps that the run has done; rows of later ones, which a run that was cut
            off has left, and a torn last line are dropped.
    """

    def __init__(self, folder: Path, until: int) -> None:
        super().__init__(folder, name="", version="", flush_logs_every_n_steps=1)
        self._until = until

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The writer, which takes up what is there when it is first asked for."""
        if self._experiment is None:
            self._experiment = _Writer(Path(self.log_dir), self._until)
        return self._experiment


def read_rows(path: Path, until: int) -> list[dict[str, str]]:
    """Whole rows up to a generator step, as they stand in the file; none without a file."""
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8")
    whole = text[: text.rfind("\n") + 1]  # a process that is killed may leave half a line
    return [row for row in csv.DictReader(whole.splitlines()) if int(row["step"]) <= until]


class _Writer(ExperimentWriter):
    """Appends; where a new metric turns up, replaces the file by one with a longer header."""

    def __init__(self, folder: Path, until: int) -> None:
        super().__init__(str(folder))
        rows = read_rows(Path(self.metrics_file_path), until)
        self.metrics_keys = list(rows[0]) if rows else []
        if rows:
            self._write(rows)
        else:
            Path(self.metrics_file_path).unlink(missing_ok=True)

    def _check_log_dir_exists(self) -> None:
        """Keep what is there: Lightning's own would delete it."""

    def _rewrite_with_new_header(self, fieldnames: list[str]) -> None:
        with Path(self.metrics_file_path).open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        self._write(rows)

    def _write(self, rows: Sequence[dict[str, Any]]) -> None:
        with (
            atomic(self.metrics_file_path) as part,
            part.open("w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.DictWriter(file, fieldnames=self.metrics_keys)
            writer.writeheader()
            writer.writerows(rows)
