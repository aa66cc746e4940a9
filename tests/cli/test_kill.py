"""kill -9 at any moment: the run that goes on is the run that was never cut off, bit for bit."""

import csv
import random
import time
from pathlib import Path

import pytest
from torch import nn

from farfill.callback.pictures import ValidationPictures
from farfill.module.trainer_parts import AtomicCheckpointIO
from farfill.rundir import final_report
from farfill.rundir.status import read_status
from farfill.tracking.metrics_csv import ResumableCSVLogger
from helpers.children import KILLED, assert_same_run, die_at_call, train_in_child

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
    "before the first checkpoint": (AtomicCheckpointIO, "save_checkpoint", 1, False),
    "while a checkpoint takes its name": (Path, "replace", 4, False),
    "just after a checkpoint": (AtomicCheckpointIO, "save_checkpoint", 2, True),
    "between a step's row and the next step": (ResumableCSVLogger, "log_metrics", 3, True),
    "before a validation's row": (ResumableCSVLogger, "log_metrics", 4, False),
    "while a longer header is written": (csv.DictWriter, "writeheader", 2, False),
    "in a validation": (ValidationPictures, "on_validation_batch_end", 4, False),
    "in the report": (final_report, "write_results", 1, False),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_run_killed_anywhere_goes_on_bit_for_bit(place, uncut, tmp_path):
    killed = train_in_child(tmp_path / "run", *RUN, prepare=die_at_call(*PLACES[place]))
    assert killed == KILLED
    assert read_status(tmp_path / "run")["state"] == "running"
    assert train_in_child(tmp_path / "run", *RUN) == 0
    assert_same_run(tmp_path / "run", uncut()[0])
    assert read_status(tmp_path / "run")["state"] == "done"
    assert not list((tmp_path / "run").rglob(".part-*"))
    assert (tmp_path / "run" / "report" / "table.md").is_file()


def go_on_to_the_end(folder, uncut, overrides):
    """Without a further kill, and compare."""
    if read_status(folder).get("state") != "done":
        assert train_in_child(folder, *RUN, *overrides, "ckpt_path=last") == 0
    assert_same_run(folder, uncut(*overrides)[0])


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.slow
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
