"""A stand-in for runs of wandb, which remembers what it is told."""

from typing import Any

import pytest
import wandb

import farfill.tracking.wandb  # noqa: F401  (it reads the real one's signature, so it comes first)


class RecordedRun:
    """What ``wandb.init`` was asked for, and what the run was told afterwards."""

    disabled = False

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.id = options["id"] or "new"
        self.tags = tuple(options["tags"] or ())
        self.config: dict[str, Any] = {}
        self.rows: list[dict[str, Any]] = []
        self.metrics: dict[str, dict[str, Any]] = {}
        self.exit_code: int | None = None

    def log(self, row: dict[str, Any]) -> None:
        self.rows.append(row)

    def define_metric(self, name: str, **options: Any) -> None:
        self.metrics[name] = options

    def finish(self, exit_code: int) -> None:
        self.exit_code = exit_code


def record_wandb(monkeypatch: pytest.MonkeyPatch) -> list[RecordedRun]:
    """Replace ``wandb.init``; the list gets every run that is started."""
    runs: list[RecordedRun] = []

    def init(**options: Any) -> RecordedRun:
        runs.append(RecordedRun(**options))
        return runs[-1]

    monkeypatch.setattr(wandb, "init", init)
    return runs
