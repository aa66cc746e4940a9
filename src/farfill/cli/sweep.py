"""``python src/sweep.py status|missing|rerun DIR``: what became of a sweep, and the rest of it."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from farfill.config.quoting import quote_paths
from farfill.errors import one_line_errors
from farfill.sweep.plan import is_search
from farfill.sweep.runs import REPEATABLE, Cell, condition, read_cells, read_plan
from farfill.sweep.slurm import slurm_queue
from farfill.sweep.status_table import grid

#: Overrides of Hydra's own that belong to the sweep as a whole, not to each of its runs.
_OF_THE_SWEEP = ("hydra.sweep.dir", "hydra.sweep.subdir", "hydra.mode", "hydra.run.dir",
                 "hydra/sweeper", "hydra.sweeper")  # fmt: skip


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-sweep``.

    It ends with status 0; `missing` with 1 if it lists any run; `rerun` with 1 if a run of the
    sweep is not done in the end; all with 2 on bad input.

    Args:
        arguments: Of the command line; None: those of the process.
    """
    parser = argparse.ArgumentParser(description="What became of a sweep, and the rest of it.")
    parser.add_argument(
        "command",
        choices=("status", "missing", "rerun"),
        help="status: the grid of cells and seeds; missing: a command for each run that is "
        "missing, lost or failed; rerun: start these again, with the sweep's launcher",
    )
    parser.add_argument("folder", type=Path, help="of the sweep, runs/<date>/<time>")
    given = parser.parse_args(arguments)
    sys.exit({"status": status, "missing": missing, "rerun": rerun}[given.command](given.folder))


def status(folder: Path) -> int:
    """Print the grid and the totals."""
    cells, conditions = read(folder, read_plan(folder))
    print(grid(cells, conditions))
    return 0


def missing(folder: Path) -> int:
    """Print, for each run that is missing, lost or failed, the command that repeats it."""
    plan = read_plan(folder)
    cells = repeatable(*read(folder, plan))
    for cell in cells:
        print(shlex.join(repeat(cell, plan)))
    return int(bool(cells))


def rerun(folder: Path) -> int:
    """Repeat each run that is missing, lost or failed, in its own folder; then print the grid.

    As many at once as the sweep's launcher would have: one with Hydra's own. A run whose
    checkpoint is there goes on from it.
    """
    plan = read_plan(folder)
    cells = repeatable(*read(folder, plan))
    if cells:
        print(f"Starting {len(cells)} runs again, {at_once(plan, len(cells))} at once", flush=True)
    pool = ThreadPoolExecutor(at_once(plan, len(cells)))
    try:
        list(pool.map(lambda cell: subprocess.run(repeat(cell, plan), cwd=started_in(plan)), cells))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C starts no further one
    after, conditions = read(folder, plan)
    print(grid(after, conditions))
    return int(any(found != "done" for found in conditions))


def read(folder: Path, plan: DictConfig) -> tuple[list[Cell], list[str]]:
    """A sweep's runs and what became of each."""
    cells, queue = read_cells(folder, plan), slurm_queue()
    return cells, [condition(cell, queue) for cell in cells]


def repeatable(cells: Sequence[Cell], conditions: Sequence[str]) -> list[Cell]:
    """Those to start again. One that diverged would only diverge again."""
    return [cell for cell, found in zip(cells, conditions, strict=True) if found in REPEATABLE]


def repeat(cell: Cell, plan: DictConfig) -> list[str]:
    """The command that starts a run again in its own folder.

    It is a sweep of one run, in a folder of its own, because Hydra takes launchers for sweeps only
    and writes the plan of each into its folder: the whole sweep's stays as it is.
    """
    own = [
        str(one)
        for one in plan.hydra.overrides.hydra
        if not str(one).lstrip("+~").startswith(_OF_THE_SWEEP)
    ]
    sweeper = ["hydra/sweeper=basic"] if is_search(plan) else []
    place = quote_paths([f"hydra.sweep.dir={cell.folder.resolve()}"])
    return [*train_command(sys.argv[0]), "-m", *own, *sweeper, *cell.overrides, *place,
            "hydra.sweep.subdir=."]  # fmt: skip


def train_command(me: str) -> list[str]:
    """How ``train`` is started, beside this command: ``src/sweep.py``, or ``farfill-sweep``.

    Args:
        me: This command as it was called.
    """
    script = Path(me).resolve()
    beside = script.with_name(script.name.replace("sweep", "train"))
    if script.name == beside.name or not beside.is_file():
        return [sys.executable, "-c", "from farfill.cli.train import main; main()"]
    return [sys.executable, str(beside)]


def at_once(plan: DictConfig, count: int) -> int:
    """How many runs the sweep's launcher would have under way at once, at most ``count``."""
    launcher: Mapping[str, object] = OmegaConf.to_container(plan.hydra.launcher, resolve=False)  # type: ignore[assignment]
    if str(launcher["_target_"]).endswith("BasicLauncher"):
        return 1
    number = int(str(launcher.get("n_jobs", launcher.get("array_parallelism", count))))
    return max(1, min(count, number if number > 0 else os.cpu_count() or 1))


def started_in(plan: DictConfig) -> Path | None:
    """Where the sweep was started, from where its relative paths count; None if that is gone."""
    place = Path(plan.hydra.runtime.cwd)
    return place if place.is_dir() else None
