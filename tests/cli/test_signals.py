"""A signal at any moment of a run: saved if there is something to save, "preempted", status 75."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from farfill.callback.interrupt import Interrupt
from farfill.callback.last_checkpoint import LastCheckpoint
from farfill.checkpoint import read_checkpoint
from farfill.module.inpainting import Inpainting
from farfill.module.trainer_parts import AtomicCheckpointIO
from farfill.rundir import final_report
from farfill.rundir.resume import Run
from farfill.rundir.status import read_status
from helpers.children import assert_same_run, train_in_child
from helpers.command import SCRIPTS
from helpers.runs import TINY

RUN = (
    "trainer.max_steps=4",
    "trainer.val_check_interval=2",
    "callbacks.last_checkpoint.every_n_train_steps=0",
    "baseline=[]",
    "datamodule.workers=2",
)
#: Where the signal comes (the call of a method, before or after), and the step that is saved then.
PHASES = {
    "as soon as the folder is the run's": (Run, "introduction", 1, False, None),
    "while Lightning gets ready": (Interrupt, "setup", 1, False, None),
    "in the sanity validation": (Inpainting, "validation_step", 1, False, None),
    "before the first step": (Interrupt, "on_train_start", 1, False, None),
    "in a step": (Inpainting, "training_step", 2, False, 2),
    "between two steps": (LastCheckpoint, "on_train_batch_start", 3, False, 3),
    "before a validation": (LastCheckpoint, "on_validation_end", 2, False, 3),
    "while a checkpoint is written": (AtomicCheckpointIO, "save_checkpoint", 1, False, 3),
    "in the last step": (Inpainting, "training_step", 4, False, 4),
    "just after the last step": (LastCheckpoint, "on_train_end", 1, True, 4),
    "in the final report": (final_report, "write_results", 1, False, 4),
}


def send_at_call(number, to_group, owner, name, count, after, _):
    """Arrange in a child that a signal comes at the ``count``-th call, before or after."""

    def prepare() -> None:
        os.setpgid(0, 0)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        original, calls = getattr(owner, name), []

        def send():
            (os.killpg if to_group else os.kill)(os.getpid(), number)

        def method(*args, **kwargs):
            calls.append(None)
            if len(calls) == count and not after:
                send()
            result = original(*args, **kwargs)
            if len(calls) == count and after:
                send()
            return result

        setattr(owner, name, method)

    return prepare


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncut") / "run"
    assert train_in_child(folder, *RUN) == 0
    return folder


@pytest.mark.parametrize(
    ("number", "to_group"),
    [
        pytest.param(signal.SIGTERM, True, id="SIGTERM to all"),
        pytest.param(signal.SIGINT, True, id="Ctrl-C", marks=pytest.mark.slow),
        pytest.param(signal.SIGTERM, False, id="SIGTERM", marks=pytest.mark.slow),
        pytest.param(signal.SIGUSR2, True, id="SIGUSR2 to all", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_at_any_moment_saves_and_the_run_goes_on(phase, number, to_group, tmp_path, uncut):
    """It ends the run, and the same command goes on as if nothing had been."""
    folder, saved = tmp_path / "run", PHASES[phase][-1]
    code = train_in_child(folder, *RUN, prepare=send_at_call(number, to_group, *PHASES[phase]))
    log, status = (tmp_path / "run.log").read_text(), read_status(folder)
    assert (code, status["state"]) == (0 if number == signal.SIGINT else 75, "preempted"), log
    assert status["step"] == (saved or 0)
    assert "the same command with ckpt_path=last goes on" in status["message"]
    assert status["message"] in log
    assert "Traceback" not in log
    last = folder / "checkpoints" / "last.ckpt"
    if saved is None:
        assert not last.exists()
    else:
        assert read_checkpoint(last)["global_step"] == saved
    assert train_in_child(folder, *RUN) == 0
    assert read_status(folder)["state"] == "done"
    assert_same_run(folder, uncut)


def children_of(process: int) -> list[int]:
    listed = Path(f"/proc/{process}/task/{process}/children").read_text()
    return [int(number) for number in listed.split()]


@pytest.mark.timeout(400)
@pytest.mark.parametrize("killed", ["the first", "the second"])
@pytest.mark.slow
def test_a_process_that_is_killed_ends_the_others_with_one_sentence(killed, tmp_path):
    two = ("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu", "batch_size=4")
    long = ("trainer.max_steps=100000", "trainer.val_check_interval=100000")
    folder, output = tmp_path / "run", tmp_path / "output.txt"
    with output.open("w") as file:
        first = subprocess.Popen(
            [sys.executable, SCRIPTS / "train.py", *TINY, *two, *long, f"hydra.run.dir={folder}"],
            stdout=file,
            stderr=file,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    try:
        until(lambda: (folder / "checkpoints" / "last.ckpt").exists() or first.poll() is not None)
        (second,) = children_of(first.pid)
        os.kill(first.pid if killed == "the first" else second, signal.SIGKILL)
        code = first.wait(60)
        until(lambda: not alive(second))
    finally:
        first.kill()
    said, status = output.read_text(), read_status(folder)
    sentence = "another process of this run has ended; the same command goes on from the last"
    assert said.count(sentence) == 1, said
    assert "Traceback" not in said
    assert status["process"] == first.pid
    if killed == "the first":
        assert (code, status["state"]) == (-signal.SIGKILL, "running")
        assert not (folder / "traceback.txt").exists()
    else:
        assert (code, status["state"]) == (2, "failed")
        assert status["message"].startswith(sentence)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(condition, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
