"""``sweep.yaml``, with an agent of wandb played by hand: nothing here needs a network."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from farfill.config.check import check_known_keys
from farfill.config.instantiate import check_kinds
from farfill.rundir.status import read_status
from farfill.tracking.loggers import OBJECTIVE
from helpers.compose import composed
from helpers.runs import TINY

ROOT = Path(__file__).parents[2]
SWEEP = yaml.safe_load((ROOT / "sweep.yaml").read_text())
PARAMETERS = SWEEP["parameters"]


def test_it_minimises_what_a_run_returns():
    assert SWEEP["metric"] == {"name": OBJECTIVE, "goal": "minimize"}


@pytest.mark.parametrize("end", ["min", "max"])
def test_every_parameter_is_a_setting_over_its_whole_range(end):
    cfg = composed(*(f"{name}={values[end]}" for name, values in PARAMETERS.items()))
    check_known_keys(cfg)
    check_kinds(cfg)


@pytest.mark.slow
def test_an_agents_command_is_a_run_of_its_sweep(tmp_path):
    """As wandb documents it: ``${args_no_hyphens}`` is a word ``name=value`` per parameter."""
    stands_for = {
        "${env}": ["/usr/bin/env"],
        "${interpreter}": [sys.executable],
        "${program}": [str(ROOT / SWEEP["program"])],
        "${args_no_hyphens}": [f"{name}={values['min']}" for name, values in PARAMETERS.items()],
    }
    words = [word for part in SWEEP["command"] for word in stands_for.get(part, [part])]
    run = tmp_path / "run"
    tiny = [one for one in TINY if one != "logger=none"]
    done = subprocess.run(
        [*words, *tiny, "trainer.max_steps=2", "baseline=[]", f"hydra.run.dir={run}"],
        cwd=tmp_path,
        env={**os.environ, "WANDB_RUN_ID": "agents", "WANDB_SWEEP_ID": "sweep"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert read_status(run)["wandb"] == "agents"
    (records,) = run.glob("wandb/offline-run-*-agents/*.wandb")
    content = records.read_bytes()
    assert OBJECTIVE.encode() in content
    assert all(name.split(".")[-1].encode() in content for name in PARAMETERS)
