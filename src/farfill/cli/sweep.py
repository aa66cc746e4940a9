"""``farfill-sweep status|missing|rerun DIR``: what became of a sweep, and the rest of it."""

import argparse
import os
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from farfill import __version__
from farfill.config.arguments import quote_paths
from farfill.config.paths import script
from farfill.errors import one_line_errors
from farfill.rundir.status import MEANINGS
from farfill.sweep.plan import is_search
from farfill.sweep.runs import SweepRun, read_outcomes, read_plan, status_table

#: Overrides that belong to the sweep as a whole, not to each of its runs.
_OF_THE_SWEEP = (
    *("hydra.sweep.dir", "hydra.sweep.subdir", "hydra.mode", "hydra.run.dir"),
    *("hydra/sweeper", "hydra.sweeper", "hparams_search="),
)


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-sweep``.

    It ends with status 0; `missing` with 1 if it lists any run; `rerun` with 1 if a run of the
    sweep is not done in the end; all with 2 on bad input.
    """
    parser = argparse.ArgumentParser(
        prog="farfill-sweep",
        description="What became of a sweep, and the rest of it.",
        epilog="A run is\n" + "\n".join(f"  {name:10}{text}" for name, text in MEANINGS.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "command",
        choices=("status", "missing", "rerun"),
        help="status: a table of the runs; missing: a command for each that is missing, lost or "
        "failed; rerun: start these again, with the sweep's launcher",
    )
    parser.add_argument("--version", action="version", version=f"farfill {__version__}")
    parser.add_argument("folder", type=Path, help="of the sweep, runs/<date>/<time>")
    given = parser.parse_args(arguments)
    plan = read_plan(given.folder)
    outcomes = read_outcomes(given.folder, plan)
    # One that diverged would only diverge again.
    repeatable = ("missing", "lost", "failed")
    again = [run for run, outcome in outcomes.items() if outcome in repeatable]
    if given.command == "missing":
        for run in again:
            print(shlex.join(repeat(run, plan)))
        if not again:
            print("Nothing is missing, lost or failed.", file=sys.stderr)
        sys.exit(1 if again else 0)
    if given.command == "rerun" and again:
        rerun(again, plan)
        outcomes = read_outcomes(given.folder, plan)
    print(status_table(outcomes))
    unfinished = {*outcomes.values()} - {"done"}
    sys.exit(1 if given.command == "rerun" and unfinished else 0)


def rerun(runs: list[SweepRun], plan: DictConfig) -> None:
    """Repeat runs, each in its own folder; one whose checkpoint is there goes on from it.

    As many at once as the sweep's launcher would have: one with Hydra's own.
    """
    count = at_once(plan, len(runs))
    print(f"Starting {len(runs)} runs again, {count} at once", flush=True)
    cwd = Path(plan.hydra.runtime.cwd)  # from where relative paths count
    pool = ThreadPoolExecutor(count)
    try:
        commands = [repeat(run, plan) for run in runs]
        list(pool.map(lambda c: subprocess.run(c, cwd=cwd if cwd.is_dir() else None), commands))
    finally:
        pool.shutdown(cancel_futures=True)  # Ctrl-C starts no further one


def repeat(run: SweepRun, plan: DictConfig) -> list[str]:
    """The command that starts a run again in its own folder.

    It is a sweep of one run, in a folder of its own, because Hydra takes launchers for sweeps only
    and writes the plan of each into its folder: the whole sweep's stays as it is.
    """
    given = [*map(str, plan.hydra.overrides.hydra), *run.overrides]
    kept = [each for each in given if not each.lstrip("+~").startswith(_OF_THE_SWEEP)]
    sweeper = ["hydra/sweeper=basic"] if is_search(plan) else []
    place = quote_paths([f"hydra.sweep.dir={run.folder.resolve()}"])
    train = [sys.executable, str(script("train"))]
    return [*train, "-m", *kept, *sweeper, *place, "hydra.sweep.subdir=."]


def at_once(plan: DictConfig, count: int) -> int:
    """How many runs the sweep's launcher would have under way at once, at most ``count``."""
    launcher: Any = OmegaConf.to_container(plan.hydra.launcher)
    if str(launcher["_target_"]).endswith("BasicLauncher"):
        return 1
    number = int(launcher.get("n_jobs", launcher.get("array_parallelism", count)))
    return max(1, min(count, number if number > 0 else os.cpu_count() or 1))


if __name__ == "__main__":
    main()
