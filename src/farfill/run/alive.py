"""Whether a run that says it is queued or running can still be."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

SILENCE = 3600  # seconds without a word after which a run that cannot be asked for counts as lost


class Submission(NamedTuple):
    """A SLURM job that was submitted for a run.

    Attributes:
        job: As ``squeue`` names it: ``12`` or ``12_3``.
        time: Of the submission or later, seconds since the epoch.
    """

    job: str
    time: float


def slurm_queue() -> frozenset[str] | None:
    """All jobs that SLURM has waiting or running; None if there is no SLURM to ask."""
    if shutil.which("squeue") is None:
        return None
    command = ["squeue", "--noheader", "--array", "--format=%i"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return frozenset(answer.stdout.split())


def submissions(folder: Path, number: int, count: int) -> list[Submission]:
    """The SLURM jobs of run ``number`` of a sweep of ``count`` runs.

    Args:
        folder: Of the sweep. Submitit leaves a folder per job there, named by its number, in the
            order of the runs; once for every time that the sweep was started.
        number: Of the run, from 0.
        count: Runs of the sweep.
    """
    found = [path for path in (folder / ".submitit").glob("*") if path.is_dir()]
    # An array's own folder, 12 beside 12_0 and 12_1, is no job.
    arrays = {path.name.partition("_")[0] for path in found if "_" in path.name}
    jobs = [path for path in found if path.name not in arrays and _key(path.name)]
    jobs.sort(key=lambda path: _key(path.name))
    return [Submission(path.name, path.stat().st_mtime) for path in jobs[number::count]]


def is_alive(
    status: Mapping[str, Any],
    jobs: Sequence[Submission] = (),
    queue: frozenset[str] | None = None,
) -> bool:
    """Whether a queued, running or preempted run can be what it says.

    A SLURM job has to be in the queue, a process of this machine has to exist, and anything else
    must have written its status within the last hour.

    Args:
        status: Of the run, see :func:`~farfill.run.status.read_status`.
        jobs: Submitted for it, whether or not they have begun.
        queue: See :func:`slurm_queue`.
    """
    if queue is not None:
        if status["state"] == "queued":  # then `job` is the launcher's own, if it has one
            since = _seconds(status.get("queued"))
            recent = [job.job for job in jobs if job.time >= since]
            if recent:
                return not queue.isdisjoint(recent)
        elif status.get("job"):
            return status["job"] in queue
    if status.get("host") == socket.gethostname() and status.get("process"):
        return _exists(int(status["process"]))
    return datetime.now(UTC).timestamp() - _seconds(status.get("updated")) < SILENCE


def _key(job: str) -> tuple[int, ...]:
    """``12_3`` as (12, 3), to sort by; empty if it is no number."""
    parts = job.split("_")
    return tuple(map(int, parts)) if all(part.isdecimal() for part in parts) else ()


def _seconds(time: str | None) -> float:
    """Since the epoch; 0 if there is none."""
    return datetime.fromisoformat(time).timestamp() if time else 0.0


def _exists(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
