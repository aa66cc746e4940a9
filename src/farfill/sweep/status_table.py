"""A sweep in the terminal: cells by seeds, what went wrong, and the totals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from farfill.rundir.status import read_status
from farfill.sweep.runs import Cell


def grid(cells: Sequence[Cell], conditions: Sequence[str]) -> str:
    """Plain text: a row per cell and a column per seed, then failures, then totals.

    Args:
        cells: Runs of a sweep.
        conditions: What became of each, see :func:`~farfill.sweep.runs.condition`.
    """
    said = [read_status(cell.folder) for cell in cells]
    entries = {
        (cell.label, cell.seed): entry(found, status, cell.jobs[-1].job if cell.jobs else None)
        for cell, found, status in zip(cells, conditions, said, strict=True)
    }
    labels = list(dict.fromkeys(cell.label for cell in cells))
    seeds = sorted({cell.seed for cell in cells})
    rows = [["", *(f"seed {seed}" for seed in seeds)]]
    rows += [[label, *(entries.get((label, seed), "-") for seed in seeds)] for label in labels]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    troubles = [
        f"{cell.folder}: {found}{': ' if status.get('message') else ''}{status.get('message', '')}"
        for cell, found, status in zip(cells, conditions, said, strict=True)
        if found in ("failed", "diverged", "lost")
    ]
    counts = ", ".join(f"{number} {found}" for found, number in Counter(conditions).most_common())
    return "\n".join([*lines, "", *troubles, f"{len(cells)} runs: {counts}"])


def entry(found: str, status: dict[str, Any], job: str | None = None) -> str:
    """``running 120/400 0:12:05 node3/123_4``; what is not known is left out.

    Args:
        found: What became of the run.
        status: What it says of itself.
        job: Submitted last for it; while it waits, nothing is known of a host.
    """
    words = [found]
    if "step" in status:
        words.append(f"{status['step']}/{status.get('steps', '?')}")
    if found not in ("missing", "queued") and status.get("started"):
        end = None if found == "running" else status.get("ended") or status.get("updated")
        until = _time(end) if end else datetime.now(UTC)
        words.append(
            str(timedelta(seconds=round((until - _time(status["started"])).total_seconds())))
        )
    if found == "queued" and job:
        words.append(job)
    elif found != "missing" and status.get("host"):
        words.append("/".join(filter(None, [status["host"], status.get("job")])))
    return " ".join(words)


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
