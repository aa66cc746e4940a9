"""What Hydra tells us about runs: status and traceback of those it starts, and dry runs."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from farfill.errors import message_of, one_line_errors
from farfill.files import atomic
from farfill.rundir.status import here, now, read_status, write_status
from farfill.sweep.plan import is_search, jobs_of
from farfill.sweep.plugins import check_plugins
from farfill.sweep.runs import WAITING, condition, planned_cells
from farfill.sweep.slurm import is_alive, slurm_queue

TRACEBACK = "traceback.txt"


class SweepStatus(Callback):
    """Writes ``queued`` when a sweep starts and ``failed`` when a run raises.

    What lies between, the run writes itself. ``sweep.dry_run=true`` ends here, before anything is
    started or written.
    """

    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """A single run is about to start."""
        if config.sweep.dry_run:
            _in_earnest(_end_dry, config, [list(config.hydra.overrides.task)])

    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """A sweep is about to start; bad input ends the process with status 2."""
        _in_earnest(_prepare, config)

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """A run has ended, in the process that ran it: under SLURM, on its node."""
        if job_return.status == JobStatus.FAILED:
            # `return_value` would raise it.
            write_failure(Path(config.hydra.runtime.output_dir), job_return._return_value)


def _in_earnest(function: Callable[..., None], *args: Any) -> None:
    """Call it and end the process if it raises: Hydra would warn of that and go on."""
    try:
        one_line_errors(function)(*args)
    except Exception:
        traceback.print_exc()
        raise SystemExit(1) from None


def _prepare(config: DictConfig) -> None:
    check_plugins(config.hydra)
    _check_search(config)
    _check_processes(config)
    if config.sweep.dry_run:
        _end_dry(config, jobs_of(config))
    queue = slurm_queue()
    _check_cluster(config, queue)
    if not is_search(config):
        write_queued(config, queue)


def _check_cluster(config: DictConfig, queue: Mapping[str, str] | None) -> None:
    """Refuse a launcher for SLURM where there is none."""
    slurm = str(config.hydra.launcher["_target_"]).endswith("SlurmLauncher")
    if slurm and queue is None:
        raise ValueError(
            f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']} needs SLURM, but "
            "squeue is not here or does not reach one: hydra/launcher=local or joblib works here"
        )


def _check_search(config: DictConfig) -> None:
    """Refuse a number of trials that is none."""
    trials = config.hydra.sweeper.get("n_trials", 1)
    if type(trials) is not int or trials < 1:
        raise ValueError(f"expected `hydra.sweeper.n_trials` from 1, got {trials}")


def _check_processes(config: DictConfig) -> None:
    """Refuse several tasks of a job that know nothing of each other."""
    tasks = config.hydra.launcher.get("tasks_per_node", 1)
    if tasks > 1 and not str(config.trainer.get("strategy", "")).startswith("ddp"):
        raise ValueError(
            f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']} starts {tasks} tasks "
            "for one run, which have to share it: give trainer=ddp"
        )


def _end_dry(config: DictConfig, jobs: list[list[str]]) -> None:
    """Print what would be started, and end the process."""
    from farfill.sweep.dry_run import dry_run

    dry_run(config, jobs)
    raise SystemExit(0)


def write_queued(config: DictConfig, queue: Mapping[str, str] | None) -> None:
    """Write ``queued`` into the folder of every run that is neither done nor under way.

    Args:
        config: Of the sweep, with its ``hydra`` node.
        queue: See :func:`~farfill.sweep.slurm.slurm_queue`.
    """
    for cell in planned_cells(config, Path(config.hydra.sweep.dir)):
        if condition(cell, queue) in ("done", *WAITING):
            continue
        (cell.folder / TRACEBACK).unlink(missing_ok=True)
        began = {"queued": now(), **here(), "started": None, "ended": None, "message": None}
        write_status(cell.folder, "queued", **began)


def write_failure(folder: Path, error: BaseException) -> None:
    """Write ``failed`` and the traceback, unless the folder's run has said how it ended.

    Args:
        folder: Of the run.
        error: That ended it.
    """
    status, me = read_status(folder), here()
    if status.get("state") in ("done", "diverged", "preempted"):
        return
    same_job = me["job"] is not None and status.get("job") == me["job"]
    same_process = (status.get("host"), status.get("process")) == (me["host"], me["process"])
    if status.get("state") == "running" and not (same_job or same_process) and is_alive(status):
        return  # another process has this folder, which may be why we failed
    with atomic(folder / TRACEBACK) as part:
        part.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    write_status(folder, "failed", ended=now(), message=message_of(error), **me)
