"""Words for a terminal, and for the log of a run."""

import logging
import sys
from collections.abc import Iterable
from difflib import get_close_matches

_LONGEST = 2000  # characters; names from a damaged file may have any length
_LOG = logging.getLogger("farfill.said")  # conf/hydra/job_logging/said.yaml gives it the run's file
_LOG.addHandler(logging.NullHandler())
_LOG.propagate = False


def say(words: str, error: bool = False) -> None:
    """Print, on standard output or standard error, and write it into the log of a run."""
    print(words, file=sys.stderr if error else sys.stdout, flush=True)
    _LOG.log(logging.ERROR if error else logging.INFO, words)


def log_traceback(error: BaseException) -> None:
    """Write an error's traceback into the log of a run; Python prints it."""
    _LOG.error(type(error).__name__, exc_info=error)


def about(seconds: float) -> str:
    """``about 25 s``, ``about 4 min``, ``about 3.5 h``."""
    if seconds < 90:
        return f"about {max(1, round(seconds))} s"
    return f"about {seconds / 60:.0f} min" if seconds < 5400 else f"about {seconds / 3600:.1f} h"


def counted(number: int, thing: str) -> str:
    """``1 critic step``, ``5 critic steps``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def did_you_mean(name: str, known: Iterable[str], otherwise: str, group: str = "") -> str:
    """``did you mean data.root?``, the nearest name of the group; ``otherwise`` if none is near."""
    near = get_close_matches(name, [*known], n=1)
    return f"did you mean {group}{'.' if group else ''}{near[0]}?" if near else otherwise


def one_line(words: object) -> str:
    """Fold white space, escape what cannot be printed, and leave out the middle of a long text.

    An error's class stands for an empty message.
    """
    text = " ".join(str(words).split()) or type(words).__name__
    if not text.isprintable():
        text = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]} ... {text[-half:]}"
