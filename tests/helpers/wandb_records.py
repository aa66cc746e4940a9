"""Read back what wandb wrote offline."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from wandb.proto.wandb_internal_pb2 import Record, RunRecord

from farfill.tracking.wandb_records import history_of, read_records


def records(folder: Path, patience: float = 20) -> list[Record]:
    """All records of the one finished offline run below ``folder``.

    Offline, wandb's own process may write the last ones after ``finish`` has returned, so the exit
    is waited for: ``patience`` seconds at most.
    """
    (path,) = folder.rglob("*.wandb")
    end = time.monotonic() + patience
    while True:
        found = read_records(path)
        if any(r.WhichOneof("record_type") == "exit" for r in found) or time.monotonic() > end:
            return found
        time.sleep(0.05)


def history(folder: Path) -> list[dict[str, Any]]:
    """The logged rows: metric name -> value."""
    return history_of(records(folder))


def summary(folder: Path) -> dict[str, Any]:
    """What the run's summary holds at its end."""
    found: dict[str, Any] = {}
    for record in records(folder):
        if record.WhichOneof("record_type") == "summary":
            for item in record.summary.update:
                found["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    return found


def started(folder: Path) -> RunRecord:
    """How the run introduced itself: name, group, job type, tags."""
    (run,) = (r.run for r in records(folder) if r.WhichOneof("record_type") == "run")
    return run
