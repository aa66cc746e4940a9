"""kill -9 at any moment: the run that goes on is the run that was never cut off, bit for bit."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from torch import nn

from farfill.callback.checkpoints import Checkpoints
from farfill.callback.pictures import Pictures
from farfill.cli import train as command
from farfill.rundir.metrics_csv import _Writer, read_rows
from farfill.rundir.status import read_status
from farfill.tracking.wandb_records import history_of, read_records
from helpers.children import KILLED, LONG, assert_same_run, die_at_call, train_in_child

RUN = ("trainer.max_generator_steps=7", "trainer.validate_every=3", "checkpoint.every=2")
GANS = ("wgan_gp", "vanilla", "lsgan", "hinge", "none")


@pytest.fixture(scope="module")
def uncut(tmp_path_factory):
    """Runs that nobody disturbed, and the seconds they took, made when asked for."""
    made: dict[tuple[str, ...], tuple[Path, float]] = {}

    def run(*overrides: str) -> tuple[Path, float]:
        if overrides not in made:
            folder, start = tmp_path_factory.mktemp("uncut") / "run", time.monotonic()
            assert train_in_child(folder, *RUN, *overrides) == 0
            made[overrides] = folder, time.monotonic() - start
        return made[overrides]

    return run


PLACES = {
    "before the first checkpoint": (Checkpoints, "_write", 1, False),
    "while a checkpoint takes its name": (Path, "replace", 4, False),
    "just after a checkpoint": (Checkpoints, "_write", 2, True),
    "between a step's row and the next step": (_Writer, "save", 3, True),
    "before a validation's row": (_Writer, "save", 4, False),
    "while a longer header is written": (_Writer, "_write", 1, False),
    "in a validation": (Pictures, "on_validation_batch_end", 2, False),
    "in the report": (command, "final_report", 1, False),
}


@pytest.mark.parametrize("place", PLACES)
def test_killed_at_a_place(place, uncut, tmp_path):
    killed = train_in_child(tmp_path / "run", *RUN, prepare=die_at_call(*PLACES[place]))
    assert killed == KILLED
    assert read_status(tmp_path / "run")["state"] == "running"
    assert train_in_child(tmp_path / "run", *RUN) == 0
    assert_same_run(tmp_path / "run", uncut()[0])
    assert read_status(tmp_path / "run")["state"] == "done"
    assert not list((tmp_path / "run").rglob(".part-*"))
    assert (tmp_path / "run" / "report" / "table.md").is_file()


def wandb_rows(run):
    """Rows of every piece of the one wandb run below a folder."""
    name = read_status(run)["wandb"]
    pieces = sorted((run / "wandb").glob("offline-run-*"))
    assert all(path.name.endswith(f"-{name}") for path in pieces)
    return [history_of(read_records(path / f"run-{name}.wandb")) for path in pieces]


def assert_wandb_has_every_row_once(run):
    rows = read_rows(run / "metrics.csv", LONG)
    logged = [row for piece in wandb_rows(run) for row in piece]
    for name in rows[0]:
        if name in ("step", "epoch", "generator_step") or name.startswith("train/time"):
            continue
        expected = {(int(row["step"]), float(row[name])) for row in rows if row[name]}
        found = [(row["trainer/global_step"], row[name]) for row in logged if name in row]
        assert len(found) == len(expected), name
        assert set(found) == expected, name
    for picture in ("val/pictures", "val/examples"):
        steps = [row["trainer/global_step"] for row in logged if f"{picture}/_type" in row]
        assert steps == sorted(set(steps)), picture
        assert steps[-1] == int(rows[-1]["step"])


@pytest.mark.parametrize("place", ["just after a checkpoint", "in a validation"])
def test_rows_that_wandb_has_lost_are_sent_again(place, tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    run, more = tmp_path / "run", (*RUN, "logger=wandb", "pictures=1")
    assert train_in_child(run, *more, prepare=die_at_call(*PLACES[place])) == KILLED
    assert train_in_child(run, *more) == 0
    assert_wandb_has_every_row_once(run)


def test_rows_that_wandb_has_are_not_sent_again(tmp_path, monkeypatch):
    """wandb writes blocks of 32 KiB: it takes some rows until a killed run has left any there."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = tmp_path / "run"
    more = ("logger=wandb", "pictures=1", "trainer.max_generator_steps=60", "baseline=[]",
            "trainer.validate_every=60", "checkpoint.every=0")  # fmt: skip
    prepare = die_at_call(_Writer, "save", 59, rest=1)
    assert train_in_child(run, *more, prepare=prepare) == KILLED
    (first,) = wandb_rows(run)
    assert first
    assert train_in_child(run, *more) == 0
    assert_wandb_has_every_row_once(run)


def go_on_to_the_end(folder, uncut, overrides):
    """Without a further kill, and compare."""
    if read_status(folder).get("state") != "done":
        assert train_in_child(folder, *RUN, *overrides, "ckpt_path=last") == 0
    assert_same_run(folder, uncut(*overrides)[0])


@pytest.mark.parametrize("workers", [0, 2])
def test_killed_in_the_middle_of_some_layer(workers, uncut, tmp_path):
    """A layer's call, of the first thousand, is the last one; then another one's."""
    overrides, moment = (f"datamodule.workers={workers}",), random.Random(workers)
    for most in (1000, 300):
        prepare = die_at_call(nn.Module, "__call__", moment.randrange(1, most))
        assert train_in_child(tmp_path / "run", *RUN, *overrides, prepare=prepare) == KILLED
    go_on_to_the_end(tmp_path / "run", uncut, overrides)


def survive(folder, uncut, overrides, kills, seed):
    """Kill after random times, go on each time, and compare. Returns how often it really died."""
    _, seconds = uncut(*overrides)
    moment, died = random.Random(seed), 0
    for _ in range(kills):
        code = train_in_child(folder, *RUN, *overrides, seconds=moment.uniform(0.1, 1) * seconds)
        died += code == KILLED
        if read_status(folder).get("state") == "done":
            break
    go_on_to_the_end(folder, uncut, overrides)
    return died


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("gan", GANS)
def test_killed_at_random_with_every_gan(gan, workers, uncut, tmp_path):
    """Five times ten runs, of which each is killed up to four times."""
    overrides = (f"gan={gan}", f"datamodule.workers={workers}")
    died = sum(
        survive(tmp_path / f"run{n}", uncut, overrides, 4, seed=f"{gan}{workers}{n}")
        for n in range(5)
    )
    assert died
