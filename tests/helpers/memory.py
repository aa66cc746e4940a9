"""What a call takes of memory, at its highest."""

import atexit
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from multiprocessing import get_context
from multiprocessing.pool import Pool
from resource import RUSAGE_SELF, getrusage


def growth(call: Callable[..., object], *arguments: object) -> int:
    """Bytes by which the call raises a process's peak, on Linux; its ``ValueError`` is no matter.

    In the process nothing else takes memory: not a server of an earlier test, nor a heap that a
    command was told to keep, which libwebp's canvas would be cut from and cleared.
    """
    return _process().apply(_growth, (call, *arguments))


@cache
def _process() -> Pool:
    pool = get_context("spawn").Pool(1)
    atexit.register(pool.terminate)
    return pool


def _growth(call: Callable[..., object], *arguments: object) -> int:
    before = getrusage(RUSAGE_SELF).ru_maxrss
    with suppress(ValueError):
        call(*arguments)
    return (getrusage(RUSAGE_SELF).ru_maxrss - before) * 1024
