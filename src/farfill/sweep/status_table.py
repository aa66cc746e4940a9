"""A sweep in the terminal: a table of its runs, what went wrong, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from farfill.rundir.status import read_status
from farfill.sweep.runs import SweepRun


def status_table(runs: Sequence[SweepRun], conditions: Sequence[str]) -> str:
    """Plain text: a row per swept options and a column per seed, then failures, then totals.

    Args:
        runs: Of a sweep.
        conditions: What became of each, see :func:`~farfill.sweep.runs.condition`.
    """
    entries, troubles = {}, []
    for run, condition in zip(runs, conditions, strict=True):
        status = read_status(run.folder)
        entries[run.label, run.seed] = _entry(run, condition, status)
        if condition in ("failed", "diverged", "lost"):
            message = status.get("message")
            troubles.append(f"{run.folder}: {condition}{f': {message}' if message else ''}")
    seeds = sorted({run.seed for run in runs})
    rows = [["", *(f"seed {seed}" for seed in seeds)]]
    for label in dict.fromkeys(run.label for run in runs):
        rows.append([label, *(entries.get((label, seed), "-") for seed in seeds)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    totals = ", ".join(f"{count} {name}" for name, count in Counter(conditions).most_common())
    return "\n".join([*lines, "", *troubles, f"{len(runs)} runs: {totals}"])


def _entry(run: SweepRun, condition: str, status: dict[str, Any]) -> str:
    """``running 120/400 0:12:05 node3/123_4``; what is not known is left out."""
    words = [condition]
    if "step" in status:
        words.append(f"{status['step']}/{status.get('steps', '?')}")
    if condition not in ("missing", "queued") and status.get("started"):
        running = condition == "running"
        end = None if running else status.get("ended") or status.get("updated")
        until = datetime.fromisoformat(end) if end else datetime.now(UTC)
        seconds = (until - datetime.fromisoformat(status["started"])).total_seconds()
        words.append(str(timedelta(seconds=round(seconds))))
    if condition == "queued" and run.jobs:  # it waits for its last one; its host is not known yet
        words.append(run.jobs[-1].job)
    elif condition != "missing" and status.get("host"):
        words.append("/".join(filter(None, [status["host"], status.get("job")])))
    return " ".join(words)
