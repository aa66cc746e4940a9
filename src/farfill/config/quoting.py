"""File names on the command line, whatever letters they have."""

from __future__ import annotations

import functools
import re
import sys
from collections.abc import Callable, Sequence

from farfill.errors import one_line_errors
from farfill.sweep.callback import check_plugins

#: Settings of every command that are file names.
_PATHS = (
    "ckpt_path", "init_from", "manifest", "data.root", "mask.root", "hydra.run.dir",
    "hydra.sweep.dir",
)  # fmt: skip
#: What Hydra's grammar takes without quotes, and values that are quoted, lists or references.
_PLAIN = re.compile(r"[\w./:%+@?|\- ]*|['\"\[$].*", re.ASCII | re.DOTALL)


def quoted_paths(*names: str) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """Let a Hydra entry point read the command line after :func:`quote_paths` of ``names``."""

    def decorate(main: Callable[[], object]) -> Callable[[], None]:
        @functools.wraps(main)
        def wrapped() -> None:
            one_line_errors(check_plugins)(sys.argv[1:])
            sys.argv[1:] = quote_paths(sys.argv[1:], names)
            main()

        return wrapped

    return decorate


def quote_paths(arguments: Sequence[str], names: Sequence[str] = ()) -> list[str]:
    """Quote values of settings that are file names where Hydra's grammar would stumble.

    ``image=naïve (1).jpg`` becomes ``image='naïve (1).jpg'``. Values that are quoted already,
    lists and interpolations stay as they are, and so does a comma in a sweep (``-m``).

    Args:
        arguments: Of the command line.
        names: Settings of this command that are file names, besides those of every command.
    """
    sweep = "-m" in arguments or "--multirun" in arguments
    paths = {*_PATHS, *names}
    return [argument if sweep else _quoted(argument, paths) for argument in arguments]


def _quoted(argument: str, paths: set[str]) -> str:
    name, found, value = argument.partition("=")
    if not found or name not in paths or _PLAIN.fullmatch(value):
        return argument
    # A backslash means something only where it meets a quote.
    escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value)
    return f"{name}='{escaped}'"
