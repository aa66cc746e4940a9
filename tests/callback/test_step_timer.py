"""Waiting is told apart from working."""

import pytest

from farfill.callback import step_timer
from farfill.callback.step_timer import StepTimer


class Spy:
    def __init__(self):
        self.logged = {}

    def log(self, name, value):
        self.logged[name] = value


@pytest.fixture
def step(monkeypatch):
    """Wait for pictures and work on them for so many seconds; return what was logged."""
    clock, callback = [0.0], StepTimer()
    monkeypatch.setattr(step_timer.time, "perf_counter", lambda: clock[0])

    def run(wait, work, validate=0.0):
        module = Spy()
        if validate:
            callback.on_validation_start(None, module)
            clock[0] += validate
        clock[0] += wait
        callback.on_train_batch_start(None, module, None, 0)
        clock[0] += work
        callback.on_train_batch_end(None, module, None, None, 0)
        return module.logged

    return run


def test_step_and_wait_are_logged_from_the_second_step_on(step):
    assert step(5, 2) == {}
    assert step(1, 2) == {"train/time/step": 3, "train/time/data_wait": 1}
    assert step(0, 4) == {"train/time/step": 4, "train/time/data_wait": 0}


def test_a_validation_is_neither(step):
    step(1, 1)
    assert step(0, 1, validate=100) == {}
    assert step(0, 1) == {"train/time/step": 1, "train/time/data_wait": 0}
