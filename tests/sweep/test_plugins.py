"""What needs Hydra's plugins: several runs at once, and a search."""

import math

import pytest
import yaml

from farfill.config.arguments import is_installed
from farfill.rundir.status import read_status
from helpers.command import command
from helpers.runs import TINY

RUN = [*TINY, "baseline=[]", "trainer.max_steps=2", "hydra.sweep.dir=sweep"]


def needs(plugin: str, extra: str):
    absent = not is_installed(plugin)
    return pytest.mark.skipif(absent, reason=f"no {plugin}: pip install 'farfill[{extra}]'")


@pytest.mark.slow
@needs("hydra_joblib_launcher", "cluster")
def test_several_runs_at_once(tmp_path):
    two = ["hydra/launcher=joblib", "hydra.launcher.n_jobs=2", "seed=1,2"]
    status, _, err = command("train", tmp_path, "-m", *RUN, *two)
    assert status == 0, err
    assert "same name" not in err  # Hydra's word on a preset that hides a plugin's
    said = [read_status(tmp_path / "sweep" / number) for number in "01"]
    assert [one["state"] for one in said] == ["done", "done"]
    assert said[0]["process"] != said[1]["process"]


@pytest.mark.slow
@needs("hydra_optuna_sweeper", "optuna")
def test_a_search_minimises_what_is_monitored_and_its_trials_can_be_repeated(tmp_path):
    search = ["hparams_search=loss_weights", "hydra.sweeper.n_trials=2", "loss.known_l1.coarse=1"]
    status, _, err = command("train", tmp_path, "-m", *RUN, *search)
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

    for file in ("status.json", "metrics.csv", "report/per_image.csv", "checkpoints/last.ckpt"):
        (sweep / "1" / file).unlink()
    status, out, err = command("sweep", tmp_path, "rerun", "sweep")
    assert status == 0, out + err
    assert out.endswith("2 runs: 2 done\n")
    assert read_status(sweep / "1")["value"] == values[1]
