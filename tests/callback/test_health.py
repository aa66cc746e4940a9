"""A run that has died says so, once; a sound one is left in peace."""

import logging
from types import SimpleNamespace

import pytest
import torch

from farfill.callback.health import FLOOR, Health
from farfill.files import read_rows
from farfill.metric.suite import NAMES
from farfill.rundir.status import read_status
from helpers.runs import tiny_train

SOUND = {
    **{f"val/{name}": 0.1 for name in NAMES},
    **{"val/clipped_coarse": 0.1, "val/clipped_refined": 0.3, "val/clipped_truth": 0.05},
    **{"val/hole_variance": 0.6, FLOOR: 0.15},
}


class Watched:
    """A health callback, and a trainer and a module that are what they are told to be."""

    def __init__(self, folder, **options):
        self.health = Health(str(folder), **options)
        self.optimizer = SimpleNamespace(param_groups=[{"lr": 1e-3}])
        self.module = SimpleNamespace(
            optimizers=lambda use_pl_optimizer: [self.optimizer],
            skipped_in_a_row={"generator": 0, "critic": 0},
            gradient_norm={"generator": torch.tensor(1.0), "critic": torch.tensor(1.0)},
            losses={"l1": None},
            generator=torch.nn.Linear(1, 1),
            device="cpu",
        )
        state = SimpleNamespace(fn="fit")
        self.trainer = SimpleNamespace(
            state=state, sanity_checking=False, is_global_zero=True, should_stop=False
        )

    def see(self, step, rate=1e-3, **changed):
        """Train a step at a rate that is 0 afterwards, as a cosine's last; then validate.

        Metrics differ from sound ones as given.
        """
        (group,) = self.optimizer.param_groups
        group["lr"] = rate
        self.health.on_train_batch_start(self.trainer, self.module)
        group["lr"] = 0.0
        self.health.on_train_batch_end(self.trainer, self.module)
        changed = {f"val/{name}": value for name, value in changed.items()}
        values = {**SOUND, "val/psnr_hole": step, **changed}
        self.trainer.callback_metrics = {k: torch.tensor(float(v)) for k, v in values.items()}
        self.trainer.global_step = step
        self.health.on_validation_end(self.trainer, self.module)
        return self.health.reason


@pytest.fixture
def watched(tmp_path):
    return Watched(tmp_path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"clipped_refined": 0.6}, "60% of the refined stage's values"),
        ({"clipped_coarse": 1.0}, "100% of the coarse stage's values"),
        ({"hole_variance": 0.0}, "do not vary with the picture at all"),
        ({"psnr_hole": 10}, "the last one's to every digit"),
    ],
)
def test_what_is_beyond_doubt_is_said_at_once(watched, changed, words):
    assert not watched.see(10)
    assert words in watched.see(20, **changed)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"l1_hole": 0.2}, "worse than 0.15 of the mean colour"), ({"hole_variance": 0.04}, "hardly")],
)
def test_what_may_be_a_slow_start_is_said_later_and_twice(watched, changed, words):
    assert not watched.see(100, **changed)
    assert not watched.see(200, **changed)
    assert not watched.see(500, **changed)
    assert words in watched.see(600, **changed)


def test_a_sound_run_is_left_in_peace(watched):
    assert not any(watched.see(step) for step in range(100, 2000, 100))
    assert not any(watched.see(step, clipped_truth=0.6, clipped_refined=0.9) for step in (1, 2))


def test_a_player_without_gradient_is_noticed(watched):
    watched.module.gradient_norm["generator"] = torch.tensor(0.0)
    assert "the generator had no gradient" in watched.see(10)
    watched.module.gradient_norm["generator"] = torch.tensor(1e-9)
    assert not watched.see(20)
    watched.module.gradient_norm["critic"] = torch.tensor(0.0)
    assert not watched.see(500)
    assert "the critics had no gradient" in watched.see(600)


def test_nothing_is_asked_of_what_may_not_learn(watched):
    dead = {"clipped_refined": 1.0, "psnr_hole": 1}
    assert not any(watched.see(step, rate=0.0, **dead) for step in (600, 700))
    watched.module.losses = {}  # a critic alone does not ask for the truth
    assert not any(watched.see(step, l1_hole=0.3) for step in (800, 900))
    watched.module.losses = {"l1": None}
    watched.module.generator.requires_grad_(False)  # nor does a stage that is frozen
    assert not any(watched.see(step, l1_hole=0.3) for step in (1000, 1100))


def test_critics_that_learn_alone_leave_the_pictures_as_they_are(watched):
    assert not watched.see(100, psnr_hole=1)
    watched.module.gradient_norm = {"critic": torch.tensor(1.0)}
    assert not watched.see(200, psnr_hole=1)
    watched.module.gradient_norm["generator"] = torch.tensor(1.0)
    assert "to every digit" in watched.see(300, psnr_hole=1)


def test_it_is_said_once_and_taken_back(watched, tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        for step in (10, 20, 30):
            watched.see(step, clipped_refined=1.0)
        assert "at generator step 10; start again" in read_status(tmp_path)["collapsed"]
        other = Health(str(tmp_path))
        other.load_state_dict(watched.health.state_dict())
        watched.health = other  # of the run that goes on
        watched.see(40, clipped_refined=1.0)
        watched.see(50)
    assert "collapsed" not in read_status(tmp_path)
    said = [record.message.split()[0] for record in caplog.records]
    assert said == ["Collapsed", "Recovered"]


def test_a_collapse_goes_along_into_another_folder(watched, tmp_path):
    watched.see(1, clipped_refined=0.9)
    there = Watched(tmp_path / "other")
    there.health.load_state_dict(watched.health.state_dict())
    there.trainer.global_step = 1
    there.health.on_train_start(there.trainer, there.module)
    assert "are clipped before generator step 1;" in read_status(tmp_path / "other")["collapsed"]
    noted = read_status(tmp_path / "other")
    there.health.on_train_start(there.trainer, there.module)  # its own checkpoint, a step later
    assert read_status(tmp_path / "other")["collapsed"] == noted["collapsed"]
    there.health.reason = ""  # a checkpoint from before
    there.health.on_train_start(there.trainer, there.module)
    assert "collapsed" not in read_status(tmp_path / "other")


@pytest.mark.parametrize("stop", [False, True])
def test_a_run_that_dies_ends_as_collapsed(tmp_path, stop):
    tiny_train(
        tmp_path,
        *("gan=none", "learning_rate=1", "schedule=constant", f"callbacks.health.stop={stop}"),
        *("trainer.max_steps=8", "trainer.val_check_interval=2"),
    )
    status = read_status(tmp_path)
    assert status["state"] == "collapsed"
    assert "`schedule.warmup=200`" in status["message"]
    assert "COLLAPSED" in (tmp_path / "report" / "table.md").read_text()
    steps = [float(row["step"]) for row in read_rows(tmp_path / "metrics.csv")]
    assert (max(steps) < 8) is stop
