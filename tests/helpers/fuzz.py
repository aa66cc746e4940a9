"""Many malformed inputs of one kind, each of which has to end well or in one line."""

import logging
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis.strategies import SearchStrategy

from farfill.text import one_line

SLOWEST = 8  # seconds for one small input: anything longer hangs
LONGEST = 500  # characters of a message, besides the name of the file

#: Inputs that each test of the quick suite tries, by the test's name.
promised: dict[str, int] = {}


def fuzz(number: int, cases: SearchStrategy[Any]) -> Callable[[Callable[..., None]], Any]:
    """Make a test of ``body(folder, case)``, which is given ``number`` cases.

    The quick test tries the same cases every time, the slow one ten times as many others.
    """

    def decorate(body: Callable[[Path, Any], None]) -> Callable[..., None]:
        promised[f"{body.__module__}.{body.__name__}"] = number

        @pytest.mark.parametrize("times", [1, pytest.param(10, marks=pytest.mark.slow)])
        def test(tmp_path: Path, times: int) -> None:
            tried = 0
            torch.set_flush_denormal(False)  # a command of an earlier test may have asked for it

            def once(case: Any) -> None:
                nonlocal tried
                tried += 1
                folder = tmp_path / str(tried)
                folder.mkdir()
                start = time.process_time()
                with warnings.catch_warnings(record=True) as shown:
                    warnings.simplefilter("default")
                    body(folder, case)
                # Pillow's, about metadata, are silent in the commands (farfill.errors);
                # PyTorch's are about itself.
                libraries = ("/PIL/", "/torch/", "/fuzz/")
                others = [
                    str(one.message)
                    for one in shown
                    if not any(name in one.filename for name in libraries)
                ]
                assert not others
                assert time.process_time() - start < SLOWEST

            run = settings(
                max_examples=number * times,
                derandomize=times == 1,
                database=None,
                deadline=None,
                print_blob=True,
                suppress_health_check=list(HealthCheck),
            )
            logging.disable()  # names that are no text, in captured logs, stop pytest-xdist
            try:
                run(given(case=cases)(once))()
            finally:
                logging.disable(logging.NOTSET)
            assert tried >= number * times, "the strategy has no more inputs than these"

        test.__doc__ = body.__doc__
        return test

    return decorate


def attempt(call: Callable[[], Any], *names: str, longest: int = LONGEST) -> Any:
    """What a call returns, or None where it ends in an error that is fit to be shown."""
    try:
        return call()
    except (ValueError, OSError) as error:
        refusal(error, *names, longest=longest)
        return None


def refusal(error: BaseException, *names: str, longest: int = LONGEST) -> str:
    """The message of an error that is fit to be shown; fails if it is not.

    Args:
        error: What came.
        names: Of which the message has to hold one.
        longest: Most characters of the message besides the name.
    """
    assert isinstance(error, ValueError | OSError), f"{type(error).__name__}: {error}"
    text = one_line(error)
    # An OSError quotes names, with what cannot be printed escaped.
    told = [
        shown
        for name in names
        for shown in map(one_line, (name, repr(name)[1:-1]))
        if shown in text
    ]
    assert told or not names, f"does not name {names}: {text}"
    rest = text.replace(max(told, key=len), "") if told else text
    assert 5 < len(rest) < longest, text
    assert "Traceback" not in text
    assert " object at 0x" not in text
    return text
