"""One process at a time in a run's folder."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

#: In which a process that was killed a moment ago, with what it started, is gone.
LOCK_TIMEOUT_S = 15.0
LOCK_FILE = ".lock"


@contextmanager
def lock_run_dir(folder: Path) -> Iterator[None]:
    """Keep others out of a run's folder, made if needed, and remove what a killed one left half.

    The lock ends with the process, also if that is killed. Its file, ``.lock``, stays.

    Raises:
        ValueError: Another process works there, and still does after :data:`LOCK_TIMEOUT_S`.
        FileNotFoundError: The folder was removed meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK_FILE)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"Waiting: another process holds {folder} ...", flush=True)
        try:
            lock.acquire(timeout=LOCK_TIMEOUT_S)
        except Timeout:
            raise ValueError(
                f"another process is writing to {folder}: wait for it, or choose another "
                "hydra.run.dir"
            ) from None
    try:
        for half in folder.rglob(".part-*"):
            shutil.rmtree(half, ignore_errors=True)
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
