"""How a run is called in Weights & Biases."""

from __future__ import annotations

import pytest

from farfill.tracking.wandb_run import run_name, swaps, sweep_name, wandb_settings
from helpers.runs import compose_tiny
from helpers.sweeps import write_plan

CHOICES = {"gan": "hinge", "attention": "stn", "model": None, "hydra/sweeper": "basic"}


@pytest.mark.parametrize(
    ("overrides", "plan", "name"),
    [
        ([], [], "seed=3"),
        (["gan=hinge", "seed=3", "logger.tags=[a]"], [], "gan=hinge, seed=3"),
        (["trainer.log_every=5", "+data.root=/a/b"], [], "log_every=5, root=b, seed=3"),
        (["a.weight=1", "b.weight=2"], [], "a.weight=1, b.weight=2, seed=3"),
        (["ckpt_path=last.ckpt"], [], "seed=3"),
        (
            ["gan=hinge", "batch_size=4", "seed=3"],
            [["gan=hinge", "batch_size=4", "seed=3"], ["gan=lsgan", "batch_size=4", "seed=4"]],
            "gan=hinge, seed=3",
        ),
        (["seed=3"], [["seed=3"], ["seed=4"]], "seed=3"),
    ],
)
def test_a_name_is_what_tells_the_run_apart(overrides, plan, name):
    assert run_name(overrides, plan, 3) == name


def test_a_name_is_never_longer_than_wandb_takes():
    name = run_name([f"key{n}=value" for n in range(50)], [], 3)
    assert len(name) == 128
    assert name.endswith(", seed=3")


def test_a_sweep_is_a_group(tmp_path):
    sweep = tmp_path / "2026-01-31" / "12-00-00-gan"
    write_plan(sweep, {"gan": "hinge,lsgan", "seed": "1,2"}, "batch_size=4")
    cfg = compose_tiny("logger=wandb", "gan=hinge")
    overrides = ["gan=hinge", "seed=1", "batch_size=4"]
    found = wandb_settings(cfg, sweep / "0", {**CHOICES, "ablation": "gan"}, overrides)
    assert (found["group"], found["job_type"]) == ("2026-01-31_12-00-00-gan", "gan")
    assert found["name"] == "gan=hinge, seed=1"
    alone = wandb_settings(cfg, tmp_path / "run", CHOICES, overrides)
    assert (alone["group"], alone["job_type"]) == (None, "train")
    assert sweep_name(tmp_path / "sweep") == "sweep"


def test_another_sweepers_plan_does_not_end_the_run(tmp_path):
    write_plan(tmp_path, {"learning_rate": "interval(0,1)"})
    cfg = compose_tiny("logger=wandb")
    found = wandb_settings(cfg, tmp_path / "0", {}, ["learning_rate=0.1"])
    assert found["name"] == "learning_rate=0.1, seed=1"


def test_what_the_user_says_wins(tmp_path, monkeypatch):
    monkeypatch.setenv("WANDB_RUN_GROUP", "mine")
    monkeypatch.setenv("WANDB_TAGS", "one,two")
    cfg = compose_tiny("logger=wandb", "logger.name=n", "logger.tags=[a,two]")
    found = wandb_settings(cfg, tmp_path, CHOICES, [])
    assert found.keys() == {"job_type", "tags"}
    assert found["tags"][-3:] == ["a", "two", "one"]


def test_swaps_are_the_choices_that_matter():
    assert swaps(compose_tiny("loss=[hole_l2,style]"), CHOICES) == {
        "attention": "stn",
        "gan": "hinge",
        "loss": "hole_l2+style",
    }
    assert swaps(compose_tiny("generator=glcic"), CHOICES)["attention"] == "none"
