"""How much of a run is tried before it is started, and what that is taken to mean."""

from types import SimpleNamespace

import pytest

from farfill.sweep import dry_run
from farfill.sweep.dry_run import probe, probe_steps
from helpers.runs import compose_tiny


@pytest.mark.parametrize(
    ("run_steps", "expected"), [(1, 1), (2, 2), (12, 2), (45, 4), (60, 6), (1_000_000, 6)]
)
def test_a_probe_is_short_beside_its_run(run_steps, expected):
    assert probe_steps(run_steps) == expected


@pytest.fixture
def clock(monkeypatch):
    """A second passes from every look at the clock to the next."""
    seconds = map(float, range(1_000_000))
    monkeypatch.setattr(dry_run, "time", SimpleNamespace(perf_counter=lambda: next(seconds)))


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["trainer.max_steps=1000", "trainer.val_check_interval=300"], 1000 + 4 * 5 + 5),
        (["trainer.max_steps=2", "trainer=ddp", "trainer.num_nodes=2"], 2 + 1 * 5 + 5),
        (["trainer.max_steps=2", "trainer.accumulate_grad_batches=2"], 2 + 1 * 5 + 5),
        # Eleven pictures to learn from are three steps of two updates of two pictures.
        (["trainer.max_steps=-1", "trainer.max_epochs=2", "schedule=constant"], 6 + 3 * 5 + 5),
    ],
    ids=["steps", "processes", "accumulation", "epochs"],
)
def test_a_run_takes_its_steps_its_validations_and_its_report(
    tmp_path, monkeypatch, clock, flags, expected
):
    monkeypatch.chdir(tmp_path)
    cfg = compose_tiny("datamodule.val_batch_size=1", "baseline=[]", *flags)
    assert probe(cfg) == (1.0, expected)
    assert not list(tmp_path.iterdir())


def test_a_run_that_only_its_time_ends_is_refused():
    flags = ("trainer.max_steps=-1", "trainer.max_time=00:00:01:00", "schedule=constant")
    cfg = compose_tiny("baseline=[]", *flags)
    with pytest.raises(ValueError, match="a dry run needs"):
        probe(cfg)
