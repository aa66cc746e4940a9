"""A script as a user types it, and a command within the test's own process."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[2] / "src"


def command(
    script: str, folder: Path, *arguments: str, timeout: float = 200, **environment: str
) -> tuple[int, str, str]:
    """Status, output and errors of ``python src/<script>.py``, or of a console script."""
    path = SCRIPTS / f"{script}.py"
    program = [str(path)] if path.is_file() else ["-m", f"farfill.cli.{script}"]
    done = subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=timeout,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )
    return done.returncode, done.stdout, done.stderr


def called(
    main: Callable[[list[str]], None], capture: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    """Status, output and errors of a console script's function; a command of its own is slower."""
    status = 0
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as stop:
        status = int(stop.code or 0)
    return status, *capture.readouterr()
