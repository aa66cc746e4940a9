"""The presets that need Hydra's plugins: several runs at once, and a search."""

from __future__ import annotations

import math

import pytest
import yaml
from hydra import compose, initialize_config_dir

from farfill.config.paths import conf_dir
from farfill.rundir.status import read_status
from farfill.sweep.plugins import _installed, own_presets_first
from helpers.command import command
from helpers.runs import TINY

RUN = [*TINY, "baseline=[]", "trainer.max_generator_steps=2", "hydra.sweep.dir=sweep"]


def needs(plugin: str, extra: str):
    absent = not _installed(f"hydra_plugins.{plugin}")
    return pytest.mark.skipif(absent, reason=f"no {plugin}: pip install 'farfill[{extra}]'")


@needs("hydra_joblib_launcher", "cluster")
def test_several_runs_at_once(tmp_path):
    status, _, err = command("train", tmp_path, "-m", *RUN, "hydra/launcher=joblib", "seed=1,2")
    assert status == 0, err
    assert "same name" not in err  # Hydra's word on a preset that hides a plugin's
    said = [read_status(tmp_path / "sweep" / number) for number in "01"]
    assert [one["state"] for one in said] == ["done", "done"]
    assert said[0]["process"] != said[1]["process"]


@needs("hydra_optuna_sweeper", "optuna")
def test_a_search_minimises_what_is_monitored(tmp_path):
    status, _, err = command(
        "train", tmp_path, "-m", *RUN, "hydra/sweeper=optuna", "hydra.sweeper.n_trials=2",
        "loss.known_l1.coarse=1",
    )  # fmt: skip
    assert status == 0, err
    sweep = tmp_path / "sweep"
    values = [read_status(sweep / number)["value"] for number in "01"]
    found = yaml.safe_load((sweep / "optimization_results.yaml").read_text())
    assert found["best_value"] == min(values)
    assert all(map(math.isfinite, values))
    configs = [yaml.safe_load((sweep / number / "config.yaml").read_text()) for number in "01"]
    assert configs[0]["gan"]["weight"] != configs[1]["gan"]["weight"]
    assert [one["loss"]["known_l1"]["coarse"] for one in configs] == [1, 1]
    assert "loss.known_l1.coarse" not in found["best_params"]
    assert command("sweep", tmp_path, "status", "sweep")[1].endswith("2 runs: 2 done\n")


@pytest.mark.parametrize(("mode", "direction"), [("min", "minimize"), ("max", "maximize")])
def test_a_search_follows_the_mode_of_checkpoints(mode, direction):
    own_presets_first()
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        chosen = ["hydra/sweeper=optuna", f"checkpoint.mode={mode}"]
        cfg = compose("train", overrides=chosen, return_hydra_config=True)
    assert cfg.hydra.sweeper.direction == direction
