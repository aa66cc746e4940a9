"""What a run is doing: the lock that keeps others out, and ``status.json`` for all to read."""

import json
import math
import os
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Literal

from filelock import FileLock, Timeout
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, FiniteFloat, ValidationError

from farfill.files import atomic, naming
from farfill.text import say

#: In which a process that was killed a moment ago, with what it started, is gone.
LOCK_TIMEOUT_S = 15.0
LOCK_FILE = ".lock"
NAME = "status.json"
#: In a run's folder, the settings as Hydra composed them when it began.
BEGUN = Path(".hydra", "begun.yaml")
#: What a run may say of itself.
State = Literal["queued", "running", "done", "collapsed", "failed", "diverged", "preempted"]
LIMITS = ("steps", "epochs", "seconds")  # of a run, whichever it reaches first
FINISHED = ("done", "collapsed")  # of these, the ones that ended well, with a report
#: Every state of a run and what it means. The last two no run says of itself:
#: :func:`farfill.sweep.runs.condition` concludes them.
MEANINGS = {
    "queued": "its sweep has started, the run has not",
    "running": "it trains, validates, or writes its report",
    "done": "trained to its end, and its report is there",
    "collapsed": "trained to its end without learning; its message says how that shows",
    "failed": "ended by an error, which traceback.txt has in full",
    "diverged": "ended by numbers that were not finite: it would only diverge again",
    "preempted": "stopped by a signal: it goes on when its job is queued again",
    "missing": "never started, and nothing is there to start it",
    "lost": "started, but no longer there, and nothing is going to take it up again",
}


def _time(text: str) -> str:
    """Refuse what is no time, or one without its zone."""
    if datetime.fromisoformat(text).tzinfo is None:
        raise ValueError("a time without its zone")
    return text


_Time = Annotated[str, AfterValidator(_time)]


class _Status(BaseModel):
    """Kinds of what :func:`read_status` returns; what is unknown here is of a later version."""

    model_config = ConfigDict(strict=True)
    state: State
    step: int = 0
    steps: int = 0
    epochs: int = 0
    seconds: FiniteFloat = 0.0
    short: bool = False
    spent: FiniteFloat = 0.0
    queued: _Time = ""
    started: _Time = ""
    updated: _Time = ""
    ended: _Time = ""
    host: str = ""
    process: Annotated[int, Field(gt=0, lt=2**31)] = 1
    job: str = ""
    wandb: str = ""
    value: FiniteFloat = 0.0
    message: str = ""
    collapsed: str = ""
    skipped: dict[str, int] = {}


@contextmanager
def lock_run_dir(folder: Path) -> Iterator[None]:
    """Keep others out of a run's folder, made if needed; what lies in it stays as it is.

    The lock ends with the process, also if that is killed. Its file, ``.lock``, stays.

    Raises:
        ValueError: Another process works there, and still does after :data:`LOCK_TIMEOUT_S`.
        FileNotFoundError: The folder was removed meanwhile.
        OSError: The folder cannot be made or written to.
    """
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        say(f"Waiting: another process holds {folder} ...")
        try:
            lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout:
            raise ValueError(
                f"another process is writing to {folder}: wait for it, or choose another "
                "hydra.run.dir"
            ) from None
    try:
        yield
    except Exception as error:
        # The folder itself may be there again: what is written atomically makes it.
        if not (folder / LOCK_FILE).exists():
            raise FileNotFoundError(
                f"the run's folder {folder} has disappeared while the run was writing to it"
            ) from error
        raise
    finally:
        lock.release()


def read_status(folder: Path) -> dict[str, Any]:
    """What a run's folder says of itself; empty if it says nothing or nothing readable.

    Returns:
        ``state`` (:data:`State`), ``step`` (generator steps done), ``steps``, ``epochs`` and
        ``seconds`` (its limits), ``short`` (ended by the last of these alone), ``queued``,
        ``started``, ``updated``, ``ended`` (UTC, ISO 8601), ``spent`` (hours before the last
        start), ``host``, ``process``, ``job`` (SLURM's number, with the array's index), ``wandb``
        (run id), ``value`` (best of the monitored metric), ``message`` (why it ended, one line),
        ``collapsed`` (how that shows), ``skipped`` (player -> updates); each where known, and of
        the right kind.
    """
    try:
        status = json.loads((folder / NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(status, dict):
        return {}
    try:
        _Status.model_validate(status)
    except ValidationError as error:
        for name in {fault["loc"][0] for fault in error.errors(include_context=False)}:
            status.pop(name, None)
    return status if "state" in status else {}


def write_status(folder: Path, state: State, **values: Any) -> None:
    """Write a new state; what is not given stays as it was.

    Args:
        folder: Of the run.
        state: What it is doing now.
        values: See :func:`read_status`; None takes a value away, and so does one not finite.

    Raises:
        OSError: It cannot be written; not while another error is on its way, which counts more.
    """
    first = sys.exception()
    status = {**read_status(folder), "state": state, "updated": now(), **values}
    known = {
        name: value
        for name, value in status.items()
        if value is not None and not (isinstance(value, float) and not math.isfinite(value))
    }
    try:
        with atomic(folder / NAME) as part:
            part.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    except OSError:
        if first is None:
            raise


def is_done(folder: Path, limits: Mapping[str, float]) -> bool:
    """Whether the folder's run has ended well, and was to be no shorter than is asked for now.

    ``limits`` are ``steps``, ``epochs`` and ``seconds``, those that there are.
    """
    status = read_status(folder)
    planned = {name: status[name] for name in LIMITS if name in status}
    longer = any(limits.get(name, math.inf) > planned.get(name, math.inf) for name in LIMITS)
    return status.get("state") in FINISHED and bool(planned) and not longer


def hours(status: Mapping[str, Any]) -> float:
    """How long a run has worked: its last session and those before, until its last note."""
    spent = float(status.get("spent", 0.0))
    if end := status.get("ended") or status.get("updated"):
        start = datetime.fromisoformat(status.get("started") or end)
        spent += (datetime.fromisoformat(end) - start).total_seconds() / 3600
    return spent


def here() -> dict[str, Any]:
    """Where this process runs: ``host``, ``process``, and ``job`` as SLURM's squeue takes it."""
    array, index = (os.environ.get(f"SLURM_ARRAY_{part}_ID") for part in ("JOB", "TASK"))
    job = f"{array}_{index}" if array and index else os.environ.get("SLURM_JOB_ID")
    return {"host": socket.gethostname(), "process": os.getpid(), "job": job}


def now() -> str:
    """The time, UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
