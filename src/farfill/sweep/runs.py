"""The runs of a sweep, each with its folder and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
class Cell:
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
    jobs: tuple[Submission, ...] = field(default=())


def read_plan(folder: Path) -> DictConfig:
    """Configuration of a sweep with its ``hydra`` node.

    A search leaves no ``multirun.yaml``; then its first run says how it was started.

    Raises:
        ValueError: ``folder`` is no sweep's.
    """
    files = [folder / PLAN, *sorted(folder.glob("*/.hydra/hydra.yaml"))]
    for file in files:
        if file.is_file():
            return cast(DictConfig, OmegaConf.load(file))
    if (folder / "config.yaml").is_file():
        state = read_status(folder).get("state", "unknown")
        raise ValueError(f"{folder} is a single run's folder, not a sweep's; its state: {state}")
    raise ValueError(f"expected a sweep's folder with {PLAN} or runs in it, got {folder}")


def planned_cells(plan: DictConfig, folder: Path) -> list[Cell]:
    """The runs that a sweep consists of; none of a search, which finds them as it goes.

    Args:
        plan: Whole configuration with its ``hydra`` node.
        folder: Of the sweep.
    """
    jobs = [] if is_search(plan) else jobs_of(plan)
    make, started = _maker(plan, jobs), _started(folder)
    cells = []
    for number, job in enumerate(jobs):
        place = cell_folder(plan, number, folder) or _same(job, started) or folder / str(number)
        cell = make(place, job)
        own = submissions(place, 0, 1) if place.resolve() != folder.resolve() else []
        cells.append(replace(cell, jobs=(*submissions(folder, number, len(jobs)), *own)))
    return cells


def read_cells(folder: Path, plan: DictConfig) -> list[Cell]:
    """All runs of a sweep in its order: those planned, and those that were started besides.

    A planned run that was repeated by hand into a folder of another name, and is done there, is
    that one.

    Args:
        folder: Of the sweep.
        plan: See :func:`read_plan`.
    """
    cells = planned_cells(plan, folder) if (folder / PLAN).is_file() else []
    started = _started(folder)
    make = _maker(plan, [cell.overrides for cell in cells] or list(started.values()))
    places = {(cell.label, cell.seed): index for index, cell in enumerate(cells)}
    for place in [one for one in started if one not in {cell.folder for cell in cells}]:
        other = make(place, started[place])
        index = places.get((other.label, other.seed))
        if index is None:
            cells.append(other)
        elif condition(other) == "done" and condition(cells[index]) != "done":
            cells[index] = other
    return cells


def cell_folder(config: DictConfig, number: int, folder: Path) -> Path | None:
    """Folder of a sweep's run ``number``; None if its overrides have a say in the name.

    Args:
        config: Whole configuration with its ``hydra`` node.
        number: From 0.
        folder: Of the sweep.
    """
    sweep: Any = OmegaConf.to_container(config.hydra, resolve=False)
    name = str(sweep.get("sweep", {}).get("subdir", "${hydra.job.num}"))
    name = name.replace("${hydra.job.num}", str(number))
    return None if "${" in name else folder / name


def condition(cell: Cell, queue: Mapping[str, str] | None = None) -> str:
    """What became of a run: a state of :mod:`~farfill.rundir.status`, ``missing`` or ``lost``.

    One that was queued and whose job is gone is missing; one that had begun is lost.

    Args:
        cell: The run. One without a ``status.json``, of an older sweep, is judged by its report.
        queue: See :func:`~farfill.sweep.slurm.slurm_queue`.
    """
    status = read_status(cell.folder)
    if status:
        if status["state"] in WAITING and not is_alive(status, cell.jobs, queue):
            return "missing" if status["state"] == "queued" else "lost"
        return str(status["state"])
    if not (cell.folder / ".hydra").is_dir():
        return "missing"
    found = state(read_record(cell.folder, {}, cell.seed, {}))
    return "done" if found == "finished" else found


def _maker(
    plan: DictConfig, jobs: Sequence[Sequence[str]]
) -> Callable[[Path, Sequence[str]], Cell]:
    """What makes a cell of a folder and its overrides, named by what differs between ``jobs``."""
    swept = swept_options([options(job) for job in jobs])

    def make(place: Path, job: Sequence[str]) -> Cell:
        chosen = options(job)
        seed = int(chosen.get(SEED, plan.get(SEED, 1)))
        return Cell(place, tuple(job), label(cell_of(chosen, swept)), seed)

    return make


def _started(folder: Path) -> dict[Path, list[str]]:
    """Folder of every run that was started -> its overrides, in the order of the folders."""
    files = sorted(folder.glob("*/.hydra/overrides.yaml"), key=_in_order)
    return {file.parent.parent: [str(one) for one in OmegaConf.load(file)] for file in files}


def _same(job: Sequence[str], started: Mapping[Path, Sequence[str]]) -> Path | None:
    """Folder of the run that was started with these overrides."""
    return next((place for place, other in started.items() if options(other) == options(job)), None)


def _in_order(path: Path) -> tuple[int, str]:
    """Folders by number, then by name."""
    name = path.parent.parent.name
    return (int(name), "") if name.isdecimal() else (1 << 62, name)
