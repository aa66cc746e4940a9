"""A log file gets twenty lines, where Lightning's bar would write one at every redrawing."""

import pytest
from lightning.pytorch.callbacks import TQDMProgressBar

from farfill.callback.progress import LogProgress, progress_bar
from helpers.tiny import quiet_fit, random_batch, tiny_module


def printed(callback, capfd, steps, **ends):
    module = tiny_module(critic_steps=0)
    batches = [random_batch(module.batch_size)] * steps
    flags = {"max_steps": steps} | ends
    quiet_fit(module, batches, callbacks=[callback], enable_progress_bar=True, **flags)
    out, err = capfd.readouterr()
    return [line for line in (out + err).replace("\r", "\n").splitlines() if line.strip()]


def test_twenty_lines(capfd):
    lines = printed(LogProgress(), capfd, 45)
    said = [line for line in lines if line.startswith("generator step")]
    assert 20 <= len(said) <= 23
    assert said[-1].startswith("generator step 45/45")
    assert "min left" in said[5]
    bar = [line for line in printed(TQDMProgressBar(), capfd, 45) if "/45" in line]
    assert len(bar) > 40


@pytest.mark.parametrize(
    ("ends", "last"),
    [
        ({"max_steps": -1, "max_epochs": 3}, "generator step 6/6, 0.0 min left"),
        ({"max_steps": 100, "max_epochs": 2}, "generator step 4/4, 0.0 min left"),
        ({"max_steps": -1, "max_epochs": -1, "max_time": {"seconds": 1}}, "generator step "),
    ],
)
def test_a_run_that_ends_by_epochs_or_by_time_says_how_far_it_is(capfd, ends, last):
    lines = printed(LogProgress(), capfd, 2, **ends)
    assert lines[-1].startswith(last)
    assert ("/" in lines[-1]) is ("/" in last)


def test_a_bar_can_be_switched_off_and_is_chosen_by_the_terminal(monkeypatch):
    assert progress_bar(enabled=False) is None
    assert isinstance(progress_bar(), LogProgress)  # pytest's output is no terminal
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert isinstance(progress_bar(), TQDMProgressBar)
