"""Keep other processes out of a run's folder."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out there
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 15.0


@contextmanager
def lock_run_dir(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run's folder, and tidy up what a killed one has left.

    Raises:
        ValueError: Another process works there.
        FileNotFoundError: The folder was removed meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        for half in folder.rglob(".part-*"):
            shutil.rmtree(half, ignore_errors=True)
        yield
    except Exception as error:
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(
                f"the run's folder {folder} has disappeared while the run was writing to it"
            ) from error
        raise
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    if fcntl is None:
        return
    end, told = time.monotonic() + _PATIENCE, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not told:
                print(f"Waiting: another process holds {folder} ...", flush=True)
                told = True
            if time.monotonic() > end:
                raise ValueError(
                    f"another process is writing to {folder}: wait for it, or choose another "
                    "hydra.run.dir"
                ) from None
            time.sleep(0.2)
