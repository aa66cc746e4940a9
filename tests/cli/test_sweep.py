"""`status`, `missing` and `rerun` of a sweep that was really run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from farfill.cli.sweep import at_once, repeat
from farfill.rundir.status import read_status, write_status
from farfill.sweep.runs import SweepRun
from helpers.command import SCRIPTS, command
from helpers.runs import TINY

SWEEP = [*TINY, "baseline=[]", "trainer.max_steps=1", "hydra.sweep.dir=sweep"]


@pytest.mark.slow
def test_what_is_missing_of_an_ablation_is_run_again_and_nothing_else(tmp_path):
    quick = [one for one in SWEEP if not one.startswith("callbacks.last_checkpoint")]
    status, _, err = command("train", tmp_path, "ablation=propagation", *quick, "seed=1,2")
    assert status == 0, err
    nothing = (0, "", "Nothing is missing, lost or failed.\n")
    assert command("sweep", tmp_path, "missing", "sweep") == nothing

    sweep = tmp_path / "sweep"
    plan = (sweep / "multirun.yaml").read_bytes()
    given = (sweep / "3" / ".hydra" / "overrides.yaml").read_bytes()
    value = read_status(sweep / "3")["value"]
    shutil.rmtree(sweep / "3")
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    write_status(sweep / "1", "running", process=ended.pid)
    untouched = (sweep / "0" / "status.json").stat().st_mtime_ns

    status, out, _ = command("sweep", tmp_path, "missing", "sweep")
    assert status == 1
    places = [line.split()[-2] for line in out.splitlines()]
    assert places == [f"hydra.sweep.dir={sweep}/{number}" for number in (1, 3)]
    (tmp_path / "elsewhere").mkdir()
    status, out, err = command("sweep", tmp_path / "elsewhere", "rerun", str(sweep))
    assert status == 0, out + err
    assert "Starting 2 runs again, 1 at once" in out
    assert out.endswith("4 runs: 4 done\n")
    assert (sweep / "multirun.yaml").read_bytes() == plan
    assert (sweep / "3" / ".hydra" / "overrides.yaml").read_bytes() == given
    assert read_status(sweep / "3")["value"] == value
    assert (sweep / "0" / "status.json").stat().st_mtime_ns == untouched


@pytest.mark.slow
def test_runs_that_build_on_others_find_them_again_by_name(tmp_path):
    staging = ["ablation=staging", *SWEEP, "datamodule.workers=0"]
    quick = [one for one in staging if not one.startswith("callbacks.last_checkpoint")]
    status, _, err = command("train", tmp_path, *quick, "stage=coarse_only,refine_frozen", "seed=1")
    assert status == 0, err
    shutil.rmtree(tmp_path / "sweep" / "coarse_only-1")
    shutil.rmtree(tmp_path / "sweep" / "refine_frozen-1")
    _, out, _ = command("sweep", tmp_path, "missing", "sweep")
    places = [Path(line.split()[-2]).name for line in out.splitlines()]
    assert places == ["coarse_only-1", "refine_frozen-1"]
    status, out, err = command("sweep", tmp_path, "rerun", "sweep")
    assert status == 0, out + err
    assert out.endswith("2 runs: 2 done\n")


@pytest.mark.slow
def test_a_run_that_fails_is_listed_with_a_command_that_repeats_it(tmp_path):
    status, _, _ = command("train", tmp_path, "-m", *SWEEP, "attention.rate=2,0")
    assert status != 0
    failed = tmp_path / "sweep" / "1"
    assert (failed / "traceback.txt").read_text().startswith("Traceback")
    status, out, _ = command("sweep", tmp_path, "missing", "sweep")
    assert (status, out.count("\n")) == (1, 1)
    earlier = read_status(failed)
    assert subprocess.run(shlex.split(out), cwd=tmp_path, capture_output=True).returncode != 0
    assert read_status(failed)["process"] != earlier["process"]
    assert read_status(failed)["message"] == earlier["message"]
    assert command("sweep", tmp_path, "status", "sweep")[1].endswith("2 runs: 1 done, 1 failed\n")


def durations(out: str) -> list[list[str]]:
    """Words of the rows of a dry run."""
    return [line.split() for line in out.splitlines() if " s/step " in line]


def test_a_dry_run_names_every_run_with_its_time_and_leaves_nothing(tmp_path):
    swept = ["attention=contextual,none", "learning_rate=0.1,0.2", "trainer.max_steps=30"]
    slurm = ["hydra/launcher=slurm", "hydra.launcher.partition=gpu"]
    status, out, err = command(
        "train", tmp_path, "-m", *SWEEP, *swept, *slurm, "sweep.dry_run=true"
    )
    assert status == 0, err
    assert out.startswith(
        "Dry run of 4 runs with hydra/launcher=slurm hydra.launcher.partition=gpu\n"
    )
    assert "of up to 6 generator steps for each of 2 different costs" in out
    rows = durations(out)
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    swept = [(name, rate) for name in ("contextual", "none") for rate in (0.1, 0.2)]
    assert [row[6:] for row in rows] == [
        [f"attention={name}", f"learning_rate={rate}"] for name, rate in swept
    ]
    assert all(row[1] == "about" and row[3] == "s" and float(row[4]) > 0 for row in rows)
    assert rows[0][4] == rows[1][4]  # the same probe
    assert not list(tmp_path.iterdir())


def test_an_estimate_is_the_dry_run_of_a_sweep(tmp_path):
    asks_hydra = "datamodule.one_hole_per_batch=${hydra:verbose}"  # ablations/staging.yaml does too
    estimate = ["../ablations/estimate", tmp_path, "ablation=propagation", *SWEEP, asks_hydra]
    status, out, err = command(*estimate, "seed=1,2")
    assert status == 0, err
    assert "of up to 6 generator steps for each of 2 different costs" in out
    assert [row[6:] for row in durations(out)] == [
        [f"attention.propagation={reach}", f"seed={seed}"]
        for reach in ("3", "null")
        for seed in "12"
    ]
    assert re.search(r"In all about \d+ s on one device of this machine. Nothing was started", out)
    assert not list(tmp_path.iterdir())


def test_a_dry_run_with_bad_input_says_what_is_wrong(tmp_path):
    status, _, err = command("train", tmp_path, *TINY, "data=folder", "sweep.dry_run=true")
    assert status == 2
    assert err.startswith("farfill: ")
    assert "data.root" in err
    assert not list(tmp_path.iterdir())


def test_a_folder_that_is_no_sweeps_is_one_line(tmp_path):
    for what in ("status", "missing", "rerun"):
        status, out, err = command("sweep", tmp_path, what, "nowhere")
        assert (status, out) == (2, "")
        assert err.startswith("farfill: expected a sweep's folder")


def planned(*hydra: str, sweeper: dict | None = None, **launcher):
    return OmegaConf.create(
        {
            "hydra": {
                "overrides": {"hydra": list(hydra)},
                "sweeper": sweeper or {},
                "launcher": {"_target_": "a.Launcher", **launcher},
            }
        }
    )


def test_a_repetition_takes_the_launcher_and_leaves_the_sweeps_own_settings():
    launcher = ["hydra/launcher=slurm", "hydra.launcher.partition=gpu"]
    sweep = ["hydra.sweep.dir=sweep", "hydra.sweep.subdir=x", "hydra.mode=MULTIRUN"]
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=3"]
    plan = planned(*launcher, *sweep, *search, sweeper={"n_trials": 3})
    given = ("gan=hinge", "hparams_search=loss_weights", "seed=1")
    run = SweepRun(Path("/a folder, or two"), given, "gan=hinge", 1)
    place = ["hydra.sweep.dir='/a folder, or two'", "hydra.sweep.subdir=."]
    assert repeat(run, plan) == [
        *(sys.executable, str(SCRIPTS / "train.py"), "-m", *launcher, "gan=hinge", "seed=1"),
        *("hydra/sweeper=basic", *place),
    ]


@pytest.mark.parametrize(
    ("launcher", "expected"),
    [
        ({"_target_": "hydra._internal.core_plugins.basic_launcher.BasicLauncher"}, 1),
        ({"n_jobs": 2}, 2),
        ({"n_jobs": -1}, min(5, os.cpu_count())),
        ({"array_parallelism": 256}, 5),
        ({"array_parallelism": 3}, 3),
        ({}, 5),
    ],
)
def test_as_many_at_once_as_the_launcher_would_have(launcher, expected):
    assert at_once(planned(**launcher), 5) == expected
