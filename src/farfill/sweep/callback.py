"""What Hydra tells us about runs: status and traceback of those it starts, and dry runs."""

import functools
import io
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

from hydra.core.utils import JobReturn, JobStatus
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from farfill.config.arguments import check_plugins
from farfill.config.check import check_known_keys
from farfill.config.paths import conf_dir
from farfill.errors import message_of, one_line_errors
from farfill.files import atomic
from farfill.module.trainer_parts import is_first
from farfill.rundir.record import options
from farfill.rundir.status import FINISHED, here, hours, now, read_status, write_status
from farfill.sweep.plan import is_search, jobs_of
from farfill.sweep.runs import WAITING, condition, planned_runs
from farfill.sweep.slurm import is_alive, slurm_queue

TRACEBACK = "traceback.txt"


def _ends_on_error(hook: Callable[..., None]) -> Callable[..., None]:
    """End the process if a hook raises: Hydra would warn of that and go on."""

    @functools.wraps(hook)
    def wrapped(*args: Any, **kwargs: Any) -> None:
        try:
            one_line_errors(hook)(*args, **kwargs)
        except Exception:
            traceback.print_exc()
            raise SystemExit(1) from None

    return wrapped


class SweepStatus(Callback):
    """Writes ``queued`` when a sweep starts and ``failed`` when a run raises.

    What lies between, the run writes itself. ``sweep.dry_run=true`` ends here, before anything is
    started or written. Bad input ends the process with status 2.
    """

    @_ends_on_error
    def on_run_start(self, config: DictConfig, **_: Any) -> None:
        """A single run is about to start."""
        if config.sweep.dry_run:
            _dry_run(config, [list(config.hydra.overrides.task)])

    @_ends_on_error
    def on_multirun_start(self, config: DictConfig, **_: Any) -> None:
        """A sweep is about to start."""
        choices = config.hydra.runtime.choices
        check_plugins(f"{group}={choice}" for group, choice in choices.items())
        queue = None if config.sweep.dry_run else slurm_queue()
        _check_sweep(config, queue)
        _check_keys(config)
        if config.sweep.dry_run:
            _dry_run(config, jobs_of(config))
        if is_search(config):
            return
        for run in planned_runs(config, Path(config.hydra.sweep.dir)):
            if condition(run, queue) not in (*FINISHED, *WAITING):
                (run.folder / TRACEBACK).unlink(missing_ok=True)
                spent = hours(read_status(run.folder))
                began = {"queued": now(), "started": None, "ended": None, "message": None}
                write_status(run.folder, "queued", spent=spent, **began, **here())

    def on_job_end(self, config: DictConfig, job_return: JobReturn, **_: Any) -> None:
        """A run has ended, in the process that ran it: under SLURM, on its node."""
        if job_return.status == JobStatus.FAILED and is_first():  # which alone has the folder
            try:
                with redirect_stderr(io.StringIO()):  # Hydra says it again when the sweep ends
                    _ = job_return.return_value  # raises what the run raised
            except BaseException as error:
                write_failure(Path(config.hydra.runtime.output_dir), error)


def write_failure(folder: Path, error: BaseException) -> None:
    """Write ``failed`` and the traceback, unless the folder's run has said how it ended."""
    status, me = read_status(folder), here()
    same_job = me["job"] is not None and status.get("job") == me["job"]
    same_process = (status.get("host"), status.get("process")) == (me["host"], me["process"])
    # What another process said of its end does not tell why this one failed; only its results stay.
    if status.get("state") in (FINISHED + ("diverged", "preempted") * same_process):
        return
    if status.get("state") == "running" and not (same_job or same_process) and is_alive(status):
        return  # another process has this folder, which may be why we failed
    with atomic(folder / TRACEBACK) as part:
        part.write_text("".join(traceback.format_exception(error)), encoding="utf-8")
    if not same_process:  # what began then has ended, and this process never began
        me |= {"spent": hours(status), "started": None}
    write_status(folder, "failed", ended=now(), message=message_of(error), **me)


def _check_sweep(config: DictConfig, queue: Mapping[str, str] | None) -> None:
    trials = config.hydra.sweeper.get("n_trials", 1)
    if type(trials) is not int or trials < 1:
        raise ValueError(f"expected `hydra.sweeper.n_trials` from 1, got {trials}")
    launcher = config.hydra.launcher
    chosen = f"hydra/launcher={config.hydra.runtime.choices['hydra/launcher']}"
    # Several tasks of a job that know nothing of each other would all do the same.
    tasks = launcher.get("tasks_per_node", 1)
    if tasks > 1 and config.trainer.get("strategy", "auto") == "auto":
        raise ValueError(
            f"{chosen} starts {tasks} tasks for one run, which have to share it: give trainer=ddp"
        )
    needs_slurm = str(launcher["_target_"]).endswith("SlurmLauncher")
    if needs_slurm and queue is None and not config.sweep.dry_run:
        raise ValueError(
            f"{chosen} needs SLURM, but squeue is not here or does not reach one: "
            "hydra/launcher=local or joblib works here"
        )


def _check_keys(config: DictConfig) -> None:
    """Refuse now what every run of the sweep would refuse: keys that are no setting.

    What lies below a swept name may belong to a swept option, so that is for the runs to say.
    """
    cfg = OmegaConf.masked_copy(config, [str(name) for name in config if name != "hydra"])
    for name in {name for job in jobs_of(config) for name in options(job)}:
        if name.isidentifier() and not (name in cfg or (conf_dir() / name).is_dir()):
            OmegaConf.update(cfg, name, None, force_add=True)
    check_known_keys(cfg)


def _dry_run(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    from farfill.sweep.dry_run import dry_run

    dry_run(config, jobs)
    raise SystemExit(0)
