"""How much of a run is tried before it is started, and what that is taken to mean."""

from types import SimpleNamespace

import pytest

from farfill.sweep import dry_run
from farfill.sweep.dry_run import cost_key, probe, probe_steps
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
    ("flags", "expected"),  # eight pictures are scored, painted, and asked where they borrow from
    [
        (["trainer.max_steps=1000", "trainer.val_check_interval=300"], 1000 + 4 * 8 + 24),
        (["trainer.max_steps=2", "trainer=ddp", "trainer.num_nodes=2"], 2 + 1 * 8 + 24),
        (["trainer.max_steps=2", "trainer.accumulate_grad_batches=2"], 2 + 1 * 8 + 24),
        # Eight pictures to learn from are two steps of two updates of two pictures.
        (["trainer.max_steps=-1", "trainer.max_epochs=2", "schedule=constant"], 4 + 2 * 8 + 24),
        # One of two fillers has each picture twice: it is scored, and painted.
        (["trainer.max_steps=2", "baseline=[telea]"], 2 + 1 * 8 + 24 + 16),
        # The distance describes each picture, and compares them all in the end.
        (["trainer.max_steps=2", "metric=patches"], 2 + 1 * 8 + 24 + 8 + 1),
    ],
    ids=["steps", "processes", "accumulation", "epochs", "baseline", "distance"],
)
def test_a_run_takes_its_steps_its_validations_and_its_report(
    tmp_path, monkeypatch, clock, flags, expected
):
    monkeypatch.chdir(tmp_path)
    cfg = compose_tiny("datamodule.val_batch_size=1", "baseline=[]", *flags)
    cost = probe(cfg)
    assert (cost.step, cost.of_run(cfg)) == (1.0, expected)
    assert not list(tmp_path.iterdir())


def test_a_probe_stands_for_runs_of_other_lengths(clock):
    flags = ["datamodule.val_batch_size=1", "baseline=[]"]
    cost = probe(compose_tiny(*flags))
    longer = compose_tiny(*flags, "trainer.max_steps=1000", "trainer.val_check_interval=300")
    assert cost.of_run(longer) == 1000 + 4 * 8 + 24


def test_a_run_that_only_its_time_ends_is_refused():
    flags = ("trainer.max_steps=-1", "trainer.max_time=00:00:01:00", "schedule=constant")
    cfg = compose_tiny("baseline=[]", *flags)
    with pytest.raises(ValueError, match="a dry run needs"):
        probe(cfg)


@pytest.mark.parametrize(
    "more",
    [
        "seed=3",
        "learning_rate=0.5",
        "gan.weight=0.5",
        "loss.known_l1.coarse=0.5",
        "trainer.max_steps=7",
        "trainer.val_check_interval=4",
        "schedule=constant",
        "datamodule.val_seed=4",
        "logger=csv",
        "tags=[x]",
    ],
)
def test_what_changes_no_cost_needs_no_probe_of_its_own(more):
    assert cost_key(compose_tiny(more)) == cost_key(compose_tiny())


@pytest.mark.parametrize(
    "more",
    [
        "gan=hinge",
        "attention=none",
        "channels=4",
        "image_size=40",
        "batch_size=1",
        "adversarial_share=0.5",
        "loss.known_l1.coarse=0.0",
        "metric=patches",
        "baseline=[telea]",
        "datamodule.val_limit=2",
        "trainer.limit_val_batches=0.5",
        "trainer.precision=bf16-mixed",
        "trainer.max_epochs=2",
        "stage=three_phases",
    ],
)
def test_what_may_change_the_cost_has_a_probe_of_its_own(more):
    assert cost_key(compose_tiny(more)) != cost_key(compose_tiny())
