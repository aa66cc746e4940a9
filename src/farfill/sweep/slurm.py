"""Whether a run that says it is queued or running can still be."""

import re
import shutil
import socket
import subprocess
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import psutil

#: Without a word for so long, a run that cannot be asked for counts as lost.
SILENCE_TIMEOUT_S = 3600.0
_LONG_AGO = "1970-01-01T00:00:00+00:00"


class Submission(NamedTuple):
    """A SLURM job that was submitted for a run."""

    job: str  # as squeue names it: 12 or 12_3
    time: float  # of the submission or later, seconds since the epoch


def slurm_queue() -> Mapping[str, str] | None:
    """Every job that SLURM has and its state, ``R`` or ``PD``; None if there is no SLURM to ask."""
    if shutil.which("squeue") is None:
        return None
    command = ["squeue", "--noheader", "--array", "--format=%i %t"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return dict(line.split() for line in answer.stdout.splitlines())


def submissions(folder: Path, number: int, count: int) -> list[Submission]:
    """The SLURM jobs of run ``number``, from 0, of a sweep of ``count`` runs.

    Submitit leaves a folder per job in the sweep's, named by the job's number, in the order of the
    runs; once for every time that the sweep was started.
    """
    logs = {path.name: path for path in (folder / ".submitit").glob("*") if path.is_dir()}
    # An array's own folder, 12 beside 12_0 and 12_1, is no job.
    arrays = {name.partition("_")[0] for name in logs if "_" in name}
    jobs = [name for name in logs if re.fullmatch(r"\d+(_\d+)?", name) and name not in arrays]
    jobs.sort(key=lambda job: [int(part) for part in job.split("_")])
    return [Submission(job, logs[job].stat().st_mtime) for job in jobs[number::count]]


def is_alive(
    status: Mapping[str, Any],
    jobs: Sequence[Submission] = (),
    queue: Mapping[str, str] | None = None,
) -> bool:
    """Whether a queued, running or preempted run can be what it says.

    Its SLURM job has to be in the queue; once it runs on this machine, so has its process to be.
    What can be asked for neither must have written its status within the last hour.

    Args:
        status: Of the run, see :func:`~farfill.rundir.status.read_status`.
        jobs: Submitted for it, whether or not they have begun.
        queue: See :func:`slurm_queue`.
    """
    own_jobs = [status["job"]] if status.get("job") else []
    if status["state"] == "queued":  # and its job is that of whoever queued it
        since = datetime.fromisoformat(status.get("queued", _LONG_AGO)).timestamp()
        own_jobs = [job.job for job in jobs if job.time >= since]
    states = {queue[job] for job in own_jobs if job in queue} if queue is not None else set()
    if queue is not None and own_jobs and not states:
        return False
    spoke = datetime.fromisoformat(status.get("updated", _LONG_AGO)).timestamp()
    # A job that was queued again has no process yet, or one that has not found its feet.
    begun = status["state"] == "running" and states <= {"R"}
    here = status.get("host") == socket.gethostname() and "process" in status
    if here and (begun or not states):
        return _lives(status["process"], spoke)
    return bool(states) or datetime.now(UTC).timestamp() - spoke < SILENCE_TIMEOUT_S


def _lives(process: int, spoke: float) -> bool:
    """Whether a process of this machine is there that was there when it spoke."""
    try:
        namesake = psutil.Process(process)
        # Status files have whole seconds, and when a process began is known no better.
        if namesake.create_time() > spoke + 5:
            return False  # a younger one has got its number since
        return namesake.status() != psutil.STATUS_ZOMBIE  # which ended and was not waited for
    except psutil.NoSuchProcess:
        return False
