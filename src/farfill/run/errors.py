"""Bad input ends in one sentence, not in a traceback."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from typing import TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode

Result = TypeVar("Result")


def one_line_errors(function: Callable[..., Result]) -> Callable[..., Result]:
    """Print a ``ValueError`` or ``OSError`` as one line and exit with status 2.

    ``FARFILL_TRACEBACK=1`` shows where it came from. In a sweep the line goes into the run's log
    and Hydra goes on with the next run; it reports the failure at the end.
    """

    @functools.wraps(function)
    def wrapped(*args: object, **kwargs: object) -> Result:
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if in_sweep():
                logging.getLogger(__name__).error(_one_line(error))
                raise
            if not isinstance(error, ValueError | OSError):
                raise
            if os.environ.get("FARFILL_TRACEBACK"):
                raise
            print(f"farfill: {_one_line(error)}", file=sys.stderr)
            raise SystemExit(2) from None

    return wrapped


def in_sweep() -> bool:
    """Whether this is one of several runs that Hydra starts one after the other."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
