"""Whatever a run is doing, a signal ends it as preempted, and it goes on as if nothing had been."""

from __future__ import annotations

import os
import signal
from functools import partial

import pytest

from farfill.callback.pictures import ValidationPictures
from farfill.datamodule.inpainting import InpaintingData
from farfill.module.inpainting import Inpainting
from farfill.rundir import final_report
from farfill.rundir.status import read_status
from helpers.children import assert_same_run, train_in_child

RUN = ("trainer.max_steps=5", "trainer.val_check_interval=2")
#: Phase -> what is called in it, and for which time; None: before the first step, else after it.
PHASES = {
    "before the networks are set up": (InpaintingData, "val_dataloader", 1),
    "sanity validation": (Inpainting, "validation_step", 1),
    "a generator step": (Inpainting, "training_step", 3),
    "validation": (Inpainting, "validation_step", 4),
    "pictures of a validation": (ValidationPictures, "on_validation_end", 2),
    "the last step": (Inpainting, "training_step", 5),
    "final report": (final_report, "write_results", 1),
}


def send(owner, name, count, number, to_group=False):
    """Make the ``count``-th call send this process, or its group, a signal first."""
    # Of a job in the background the shell has Ctrl-C ignored, and so would the run.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if to_group:
        os.setpgid(0, 0)
    whole, calls = getattr(owner, name), [0]

    def called(*args, **kwargs):
        calls[0] += 1
        if calls[0] == count:
            (os.killpg if to_group else os.kill)(0 if to_group else os.getpid(), number)
        return whole(*args, **kwargs)

    setattr(owner, name, called)


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    folder = tmp_path_factory.mktemp("uncut") / "run"
    assert train_in_child(folder, *RUN) == 0
    return folder


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 75), (signal.SIGINT, 0)])
@pytest.mark.parametrize("phase", PHASES)
def test_a_signal_at_any_moment(tmp_path, uncut, phase, number, code):
    folder = tmp_path / "run"
    assert train_in_child(folder, *RUN, prepare=partial(send, *PHASES[phase], number)) == code
    status = read_status(folder)
    assert status["state"] == "preempted", status
    assert "the same command with ckpt_path=last goes on" in status["message"]
    assert train_in_child(folder, *RUN, "ckpt_path=last") == 0
    assert_same_run(folder, uncut)


def test_workers_leave_signals_to_the_run(tmp_path, uncut):
    """SIGTERM to the whole group, as clusters and shells send it."""
    folder = tmp_path / "run"
    prepare = partial(send, Inpainting, "training_step", 3, signal.SIGTERM, to_group=True)
    assert train_in_child(folder, *RUN, "datamodule.workers=1", prepare=prepare) == 75
    assert read_status(folder)["state"] == "preempted"
    assert train_in_child(folder, *RUN, "ckpt_path=last") == 0
    assert_same_run(folder, uncut)
