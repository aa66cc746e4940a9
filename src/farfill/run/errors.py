"""Bad input ends in one sentence, not in a traceback."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def one_line_errors(function: Callable[..., Result]) -> Callable[..., Result]:
    """Print a ``ValueError`` or ``OSError`` as one line and exit with status 2.

    ``FARFILL_TRACEBACK=1`` shows where it came from.
    """

    @functools.wraps(function)
    def wrapped(*args: object, **kwargs: object) -> Result:
        try:
            return function(*args, **kwargs)
        except (ValueError, OSError) as error:
            if os.environ.get("FARFILL_TRACEBACK"):
                raise
            message = " ".join(str(error).split()) or type(error).__name__
            print(f"farfill: {message}", file=sys.stderr)
            raise SystemExit(2) from None

    return wrapped
