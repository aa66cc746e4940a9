"""The runs of a sweep, each with its folder and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from farfill.rundir.record import label, read_record, state
from farfill.rundir.status import read_status
from farfill.sweep.plan import PLAN, SEED, cell_of, is_search, jobs_of, options, swept_options
from farfill.sweep.slurm import Submission, is_alive, submissions

#: States that end only if something is there to end them.
WAITING = ("queued", "running", "preempted")
#: Conditions in which a run is worth repeating as it is.
REPEATABLE = ("missing", "lost", "failed")


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep, started or not.

    Attributes:
        folder: Its own, whether or not it exists.
        overrides: All that it is given.
        label: The swept options in words, without the seed.
        seed: Of the run.
        jobs: Submitted for it by the sweep.
    """

    folder: Path
    overrides: tuple[str, ...]
    label: str
    seed: int
    jobs: tuple[Submission, ...] = ()


def read_plan(folder: Path) -> DictConfig:
    """Configuration of a sweep with its ``hydra`` node.

    A search leaves no ``multirun.yaml``; then its first run says how it was started.

    Raises:
        ValueError: ``folder`` is no sweep's.
    """
    for file in [folder / PLAN, *sorted(folder.glob("*/.hydra/hydra.yaml"))]:
        if file.is_file():
            return cast(DictConfig, OmegaConf.load(file))
    if (folder / "config.yaml").is_file():
        state = read_status(folder).get("state", "unknown")
        raise ValueError(f"{folder} is a single run's folder, not a sweep's; its state: {state}")
    raise ValueError(f"expected a sweep's folder with {PLAN} or runs in it, got {folder}")


def planned_runs(plan: DictConfig, folder: Path) -> list[SweepRun]:
    """The runs that a sweep consists of; none of a search, which finds them as it goes.

    Args:
        plan: Whole configuration with its ``hydra`` node.
        folder: Of the sweep.
    """
    jobs = [] if is_search(plan) else jobs_of(plan)
    make_run, started = _run_maker(plan, jobs), _started(folder)
    runs = []
    for number, job in enumerate(jobs):
        same = (place for place, given in started.items() if options(given) == options(job))
        place = _numbered(plan, number, folder) or next(same, folder / str(number))
        own = submissions(place, 0, 1) if place.resolve() != folder.resolve() else []
        submitted = (*submissions(folder, number, len(jobs)), *own)
        runs.append(replace(make_run(place, job), jobs=submitted))
    return runs


def read_runs(folder: Path, plan: DictConfig) -> list[SweepRun]:
    """All runs of a sweep in its order: those planned, and those that were started besides.

    A planned run that was repeated by hand into a folder of another name, and is done there, is
    that one.

    Args:
        folder: Of the sweep.
        plan: See :func:`read_plan`.
    """
    runs = planned_runs(plan, folder) if (folder / PLAN).is_file() else []
    started = _started(folder)
    make_run = _run_maker(plan, [run.overrides for run in runs] or list(started.values()))
    indices = {(run.label, run.seed): index for index, run in enumerate(runs)}
    planned = {run.folder for run in runs}
    for place in [place for place in started if place not in planned]:
        other = make_run(place, started[place])
        index = indices.get((other.label, other.seed))
        if index is None:
            runs.append(other)
        elif condition(other) == "done" and condition(runs[index]) != "done":
            runs[index] = other
    return runs


def condition(run: SweepRun, queue: Mapping[str, str] | None = None) -> str:
    """What became of a run: one of :data:`~farfill.rundir.status.MEANINGS`.

    Args:
        run: Without a ``status.json``, of an older sweep, it is judged by its report.
        queue: See :func:`~farfill.sweep.slurm.slurm_queue`.
    """
    status = read_status(run.folder)
    if status:
        if status["state"] in WAITING and not is_alive(status, run.jobs, queue):
            return "missing" if status["state"] == "queued" else "lost"
        return str(status["state"])
    begun = (run.folder / ".hydra").is_dir()
    return state(read_record(run.folder, {}, run.seed, {})) if begun else "missing"


def _run_maker(
    plan: DictConfig, jobs: Sequence[Sequence[str]]
) -> Callable[[Path, Sequence[str]], SweepRun]:
    """What makes a run of a folder and its overrides, named by what differs between ``jobs``."""
    swept = swept_options([options(job) for job in jobs])

    def make_run(place: Path, job: Sequence[str]) -> SweepRun:
        chosen = options(job)
        seed = int(chosen.get(SEED, plan.get(SEED, 1)))
        return SweepRun(place, tuple(job), label(cell_of(chosen, swept)), seed)

    return make_run


def _numbered(plan: DictConfig, number: int, folder: Path) -> Path | None:
    """Folder of a sweep's run ``number``; None if its overrides have a say in the name."""
    hydra: Any = OmegaConf.to_container(plan.hydra, resolve=False)
    name = str(hydra.get("sweep", {}).get("subdir", "${hydra.job.num}"))
    name = name.replace("${hydra.job.num}", str(number))
    return None if "${" in name else folder / name


def _started(folder: Path) -> dict[Path, list[str]]:
    """Folder of every run that was started -> its overrides; by number, then by name."""
    files = {file.parents[1]: file for file in folder.glob("*/.hydra/overrides.yaml")}
    numbers = {place: int(place.name) if place.name.isdecimal() else inf for place in files}
    places = sorted(files, key=lambda place: (numbers[place], place.name))
    return {place: list(map(str, OmegaConf.load(files[place]))) for place in places}
