"""``python src/sync.py DIR``: upload what offline runs kept for Weights & Biases."""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from farfill.errors import one_line_errors
from farfill.rundir.status import read_status

_RECORDS = re.compile(r"run-(.+)\.wandb")


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-sync``; exit status 1 if some of the runs were not uploaded.

    Args:
        arguments: Of the command line; None: those of the process.
    """
    parser = argparse.ArgumentParser(
        description="Upload every offline run below a folder to Weights & Biases."
    )
    parser.add_argument("folder", type=Path, help="a run's, a sweep's, or runs/ as a whole")
    parser.add_argument(
        "--running", action="store_true", help="also runs that say so, such as killed ones"
    )
    given = parser.parse_args(arguments)
    found = offline_runs(given.folder)
    if not found:
        raise ValueError(f"expected offline runs of wandb below {given.folder}, found none")
    waiting = {name: pieces for name, pieces in found.items() if not all(map(synced, pieces))}
    busy = {} if given.running else {n: pieces for n, pieces in waiting.items() if running(pieces)}
    failed = [name for name in waiting if name not in busy and not upload(waiting[name])]
    print(
        f"{len(waiting) - len(busy) - len(failed)} uploaded, {len(found) - len(waiting)} "
        f"uploaded before, {len(busy)} still running, {len(failed)} failed"
    )
    if failed:
        for name in failed:
            print(f"failed: {name} in {found[name][0].parent}", file=sys.stderr)
        raise SystemExit(1)


def offline_runs(folder: Path) -> Mapping[str, Sequence[Path]]:
    """Run id -> its pieces' record files, the oldest first; a resumed run has several.

    Args:
        folder: Searched with everything below it.
    """
    runs: dict[str, list[Path]] = {}
    # The name of a piece's folder begins with the time at which it was started.
    for path in sorted(folder.rglob("offline-run-*/run-*.wandb"), key=lambda p: p.parent.name):
        if match := _RECORDS.fullmatch(path.name):
            runs.setdefault(match[1], []).append(path)
    return runs


def synced(records: Path) -> bool:
    """Whether wandb has marked a piece as uploaded."""
    return records.with_name(f"{records.name}.synced").exists()


def running(pieces: Sequence[Path]) -> bool:
    """Whether the run's folder says so: half a run would be marked as uploaded."""
    return any(read_status(path.parents[2]).get("state") == "running" for path in pieces)


def upload(pieces: Sequence[Path]) -> bool:
    """Call ``wandb sync`` for the pieces of one run; in one call it takes them in order of time.

    Returns:
        Whether all are uploaded by its own mark: without a login it ends with status 0.
    """
    program = shutil.which("wandb")
    command = [program] if program else [sys.executable, "-m", "wandb"]
    folders = [str(path.parent) for path in pieces if not synced(path)]
    done = subprocess.run([*command, "sync", *folders], stdin=subprocess.DEVNULL, check=False)
    return done.returncode == 0 and all(map(synced, pieces))
