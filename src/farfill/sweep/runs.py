"""The runs of a sweep: the folder of each, what became of it, and a table of that."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from farfill.config.arguments import overrides_of
from farfill.errors import message_of
from farfill.rundir.record import PLAN, label, options, read_record, state
from farfill.rundir.status import read_status
from farfill.sweep.plan import SEED, cell_of, is_search, jobs_of, swept_options
from farfill.sweep.slurm import Submission, is_alive, slurm_queue, submissions

#: States that end only if something is there to end them.
WAITING = ("queued", "running", "preempted")


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep, started or not."""

    folder: Path  # its own, whether or not it exists
    overrides: tuple[str, ...]
    label: str  # the swept options in words, without the seed
    seed: int
    jobs: tuple[Submission, ...] = ()  # submitted for it by the sweep


def read_plan(folder: Path) -> DictConfig:
    """Configuration of a sweep with its ``hydra`` node.

    A search leaves no ``multirun.yaml``; then its first run says how it was started.

    Raises:
        ValueError: ``folder`` is no sweep's.
    """
    for file in [folder / PLAN, *sorted(folder.glob("*/.hydra/hydra.yaml"))]:
        if file.is_file():
            try:
                plan = cast(DictConfig, OmegaConf.load(file))
                jobs_of(plan)
            except Exception as error:  # a damaged file makes the parsers say anything
                raise ValueError(f"{file} is no sweep's plan ({message_of(error)})") from error
            return plan
    if (folder / "config.yaml").is_file():
        own = condition(SweepRun(folder, (), "", 0), slurm_queue())
        raise ValueError(f"{folder} is a single run's folder, not a sweep's; its state: {own}")
    raise ValueError(f"expected a sweep's folder with {PLAN} or runs in it, got {folder}")


def planned_runs(plan: DictConfig, folder: Path) -> list[SweepRun]:
    """The runs that a sweep consists of; none of a search, which finds them as it goes."""
    jobs = [] if is_search(plan) else jobs_of(plan)
    swept, started = swept_options([options(job) for job in jobs]), started_runs(folder)
    hydra: Any = OmegaConf.to_container(plan.hydra)
    subdir = str(hydra.get("sweep", {}).get("subdir", "${hydra.job.num}"))
    runs = []
    for number, job in enumerate(jobs):
        name = _folder_name(subdir, number, options(job), plan)
        place = folder / (name or str(number))
        if name is None:
            same = (place for place, given in started.items() if options(given) == options(job))
            place = next(same, place)
        own = submissions(place, 0, 1) if place.resolve() != folder.resolve() else []
        submitted = [*submissions(folder, number, len(jobs)), *own]
        runs.append(_sweep_run(place, job, swept, plan, *submitted))
    return runs


def read_runs(folder: Path, plan: DictConfig) -> list[SweepRun]:
    """All runs of a sweep in its order: those planned, and those that were started besides.

    A planned run that was repeated by hand into a folder of another name, and is done there, is
    that one.
    """
    runs = planned_runs(plan, folder) if (folder / PLAN).is_file() else []
    planned, started = {run.folder for run in runs}, started_runs(folder)
    jobs = [run.overrides for run in runs] or started.values()
    swept = swept_options([options(job) for job in jobs])
    indices = {(run.label, run.seed): index for index, run in enumerate(runs)}
    for place in [place for place in started if place not in planned]:
        other = _sweep_run(place, started[place], swept, plan)
        index = indices.get((other.label, other.seed))
        if index is None:
            runs.append(other)
        elif condition(other) == "done" and condition(runs[index]) != "done":
            runs[index] = other
    return runs


def condition(run: SweepRun, queue: Mapping[str, str] | None = None) -> str:
    """What became of a run: one of :data:`~farfill.rundir.status.MEANINGS`.

    A run without a ``status.json``, of an older sweep, is judged by its report.
    """
    status = read_status(run.folder)
    if status:
        if status["state"] in WAITING and not is_alive(status, run.jobs, queue):
            return "missing" if status["state"] == "queued" else "lost"
        return str(status["state"])
    return _judged(run)[0]


def _judged(run: SweepRun) -> tuple[str, str]:
    """State of a run by its files, and what is wrong with one of them, if it cannot be read."""
    if not (run.folder / ".hydra").is_dir():
        return "missing", ""
    try:
        return state(read_record(run.folder, {}, run.seed, {})), ""
    except (ValueError, OSError) as error:
        return "failed", message_of(error)


def read_outcomes(folder: Path, plan: DictConfig) -> dict[SweepRun, str]:
    """Every run of a sweep and its :func:`condition`."""
    queue = slurm_queue()
    return {run: condition(run, queue) for run in read_runs(folder, plan)}


def status_table(outcomes: Mapping[SweepRun, str]) -> str:
    """Plain text: a row per swept options and a column per seed, then failures, then totals."""
    entries, troubles = {}, []
    for run, outcome in outcomes.items():
        status = read_status(run.folder)
        entries[run.label, run.seed] = _entry(run, outcome, status)
        if outcome in ("collapsed", "failed", "diverged", "lost"):
            message = status.get("message") if status else _judged(run)[1]
            troubles.append(f"{run.folder}: {outcome}{f': {message}' if message else ''}")
    seeds = sorted({run.seed for run in outcomes})
    rows = [["", *(f"seed {seed}" for seed in seeds)]]
    for swept in dict.fromkeys(run.label for run in outcomes):
        rows.append([swept, *(entries.get((swept, seed), "-") for seed in seeds)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    counts = Counter(outcomes.values()).most_common()
    totals = ", ".join(f"{count} {name}" for name, count in counts)
    return "\n".join([*lines, "", *troubles, f"{len(outcomes)} runs: {totals}"])


def _entry(run: SweepRun, outcome: str, status: dict[str, Any]) -> str:
    """``running 120/400 0:12:05 node3/123_4``; what is not known is left out."""
    words = [outcome]
    if "step" in status:
        ends = "?" if "epochs" in status else status.get("steps", "?")
        words.append(f"{status['step']}/{ends}")
    if outcome not in ("missing", "queued") and status.get("started"):
        until = datetime.now(UTC).isoformat()
        if outcome != "running":
            until = status.get("ended") or status.get("updated") or until
        took = datetime.fromisoformat(until) - datetime.fromisoformat(status["started"])
        words.append(str(timedelta(seconds=round(took.total_seconds()))))
    if outcome == "queued" and run.jobs:  # it waits for its last one; its host is not known yet
        words.append(run.jobs[-1].job)
    elif outcome != "missing" and status.get("host"):
        words.append("/".join(filter(None, [status["host"], status.get("job")])))
    return " ".join(words)


def _folder_name(
    pattern: str, number: int, chosen: Mapping[str, Any], plan: DictConfig
) -> str | None:
    """What Hydra makes of ``hydra.sweep.subdir`` for a run; ``None`` if only Hydra can say."""

    def fill(match: re.Match[str]) -> str:
        name = match[1]
        option = name.removeprefix("hydra:runtime.choices.")
        if name == "hydra.job.num":
            value: Any = number
        elif option != name:
            value = chosen.get(option, plan.hydra.runtime.choices.get(option))
        elif name.startswith("hydra"):  # what Hydra fills in for each job
            value = None
        else:
            planned = OmegaConf.select(plan, name, throw_on_resolution_failure=False)
            value = chosen.get(name, planned)
        return match[0] if value is None else str(value)

    name = re.sub(r"\$\{([^{}]+)\}", fill, pattern)
    return None if "${" in name else name


def _sweep_run(
    place: Path, job: Sequence[str], swept: Sequence[str], plan: DictConfig, *jobs: Submission
) -> SweepRun:
    chosen = options(job)
    name, seed = label(cell_of(chosen, swept)), str(chosen.get(SEED, plan.get(SEED, 1)))
    if not seed.isdecimal():  # the run itself refuses it
        return SweepRun(place, tuple(job), f"{name} {SEED}={seed}", 0, jobs)
    return SweepRun(place, tuple(job), name, int(seed), jobs)


def started_runs(folder: Path) -> dict[Path, list[str]]:
    """Folder of every run that was started -> its overrides; by number, then by name."""
    files = [*folder.glob("*/overrides.yaml"), *folder.glob("*/.hydra/overrides.yaml")]
    names = {file.relative_to(folder).parts[0] for file in files}
    places = [folder / name for name in names if not name.startswith(".")]
    places.sort(key=lambda place: (not place.name.isdecimal(), place.name.zfill(9), place.name))
    overrides = {place: overrides_of(place) for place in places}
    return {place: given for place, given in overrides.items() if given is not None}
