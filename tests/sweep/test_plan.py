"""The plan of a sweep is what Hydra starts."""

import subprocess
import sys

import pytest
from omegaconf import OmegaConf

from farfill.config.paths import conf_dir
from farfill.rundir.record import PLAN
from farfill.rundir.status import read_status
from farfill.sweep.plan import plan_of

#: Our configuration, and nothing to do.
IDLE = (
    "import hydra; hydra.main(version_base='1.3', config_name='train', "
    f"config_path={str(conf_dir())!r})(lambda cfg: None)()"
)


@pytest.mark.parametrize(
    "overrides",
    [
        pytest.param(
            ["gan=hinge,lsgan", "seed=range(1,4)", "task_name='a, b','c=d'", "~model"],
            marks=pytest.mark.slow,
        ),
        pytest.param(
            [
                "attention=glob(*,exclude=s*)",
                "channels=choice(8,16)",
                "channels=4,8",
                "batch_size=2",
            ],
            marks=pytest.mark.slow,
        ),
        ["ablation=propagation", "seed=7", "loss=[known_l1],[hole_l2]"],
    ],
    ids=["choices and a range", "a pattern, and the last of several", "an ablation"],
)
def test_the_plan_has_the_runs_that_hydra_starts_in_their_order(tmp_path, overrides):
    command = [sys.executable, "-c", IDLE, "-m", "hydra.sweep.dir=sweep", *overrides]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    sweep = tmp_path / "sweep"
    plan = plan_of(sweep / PLAN)
    assert len(plan) > 1
    folders = [sweep / str(number) for number in range(len(plan))]
    assert plan == [OmegaConf.load(folder / ".hydra" / "overrides.yaml") for folder in folders]
    assert not (sweep / str(len(plan))).exists()
    assert all(read_status(folder)["state"] == "queued" for folder in folders)
