"""Trainings in processes of their own, which can be killed as a machine that fails would."""

import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch

from farfill.checkpoint import read_checkpoint
from farfill.files import read_rows
from helpers.runs import tiny_train

KILLED = -signal.SIGKILL


def train_in_child(
    folder: Path,
    *overrides: str,
    seconds: float | None = None,
    prepare: Callable[[], None] | None = None,
) -> int:
    """Train; kill -9 after some seconds if given. Returns the exit code, negative for a signal.

    ``prepare`` runs in the child first: it may arrange a death at a certain place.
    """
    folder.mkdir(parents=True, exist_ok=True)
    child = os.fork()
    if child == 0:
        _be_a_training(folder, overrides, prepare)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _be_a_training(folder, overrides, prepare):
    code = 1
    log = (folder.parent / f"{folder.name}.log").open("a", buffering=1)
    sys.stdout = sys.stderr = log
    os.environ.pop("WANDB_SERVICE", None)  # a process of one's own has a service of its own
    try:
        torch.manual_seed(0)
        if prepare is not None:
            prepare()
        tiny_train(folder, *overrides)
        code = 0
    except SystemExit as ended:
        code = int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def die_at_call(
    owner: object, name: str, count: int, after: bool = False, rest: float = 0
) -> Callable[[], None]:
    """Arrange in a child that the ``count``-th call of a method is its last, before or after.

    It sleeps for ``rest`` seconds first, in which other processes may get on with their work.
    """

    def die():
        time.sleep(rest)
        os.kill(os.getpid(), signal.SIGKILL)

    def prepare() -> None:
        original, calls = getattr(owner, name), []

        def method(*args, **kwargs):
            calls.append(None)
            if len(calls) == count and not after:
                die()
            result = original(*args, **kwargs)
            if len(calls) == count:
                die()
            return result

        setattr(owner, name, method)

    return prepare


def rows_without_times(folder: Path) -> list[dict[str, str]]:
    """``metrics.csv`` but for how long things took."""
    rows = read_rows(folder / "metrics.csv")
    return [{k: v for k, v in row.items() if not k.startswith("train/time/")} for row in rows]


def assert_same_run(one: Path, other: Path) -> None:
    """Everything in both last checkpoints, and everything logged, is the same bit for bit."""
    assert rows_without_times(one) == rows_without_times(other)
    for name in ("last.ckpt", "best.ckpt"):
        ended, uncut = (
            without_folder(read_checkpoint(folder / "checkpoints" / name), folder)
            for folder in (one, other)
        )
        for checkpoint in (ended, uncut):  # how often batches of a validation were counted twice
            fit = checkpoint["loops"]["fit_loop"]
            for counter in [name for name in fit if ".val_loop." in name]:
                del fit[counter]
        parts = "state_dict optimizer_states lr_schedulers global_step loops skipped callbacks"
        for part in parts.split():
            assert_same(ended[part], uncut[part], f"{name}: {part}")


def without_folder(value, folder):
    """Paths below a run's folder as they would be in any other."""
    if isinstance(value, dict):
        return {
            without_folder(key, folder): without_folder(item, folder) for key, item in value.items()
        }
    return value.replace(str(folder), "") if isinstance(value, str) else value


def assert_same(one, other, where) -> None:
    if isinstance(one, torch.Tensor):
        assert torch.equal(one, other), where
    elif isinstance(one, dict):
        assert one.keys() == other.keys(), where
        for key in one:
            assert_same(one[key], other[key], f"{where}.{key}")
    elif isinstance(one, list | tuple):
        assert len(one) == len(other), where
        for number, pair in enumerate(zip(one, other, strict=True)):
            assert_same(*pair, f"{where}.{number}")
    else:
        assert one == other, where
