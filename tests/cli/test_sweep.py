"""`status`, `missing` and `rerun` of a sweep that was really run."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from omegaconf import OmegaConf

from farfill.cli.sweep import at_once, repeat, train_command
from farfill.rundir.status import read_status, write_status
from farfill.sweep.runs import Cell
from helpers.command import SCRIPTS, command
from helpers.runs import TINY

SWEEP = [*TINY, "baseline=[]", "trainer.max_generator_steps=1", "hydra.sweep.dir=sweep"]


def test_what_is_missing_of_an_ablation_is_run_again_and_nothing_else(tmp_path):
    quick = [one for one in SWEEP if not one.startswith("checkpoint.every")]
    status, _, err = command("train", tmp_path, "ablation=propagation", *quick, "seed=1,2")
    assert status == 0, err
    assert command("sweep", tmp_path, "missing", "sweep")[:2] == (0, "")

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
    assert [line.split()[-2] for line in out.splitlines()] == [
        f"hydra.sweep.dir={sweep}/1", f"hydra.sweep.dir={sweep}/3",
    ]  # fmt: skip
    (tmp_path / "elsewhere").mkdir()
    status, out, err = command("sweep", tmp_path / "elsewhere", "rerun", str(sweep))
    assert status == 0, out + err
    assert "Starting 2 runs again, 1 at once" in out
    assert out.endswith("4 runs: 4 done\n")
    assert (sweep / "multirun.yaml").read_bytes() == plan
    assert (sweep / "3" / ".hydra" / "overrides.yaml").read_bytes() == given
    assert read_status(sweep / "3")["value"] == value
    assert (sweep / "0" / "status.json").stat().st_mtime_ns == untouched


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


def test_a_dry_run_names_every_run_with_its_hours_and_leaves_nothing(tmp_path):
    status, out, err = command(
        "train", tmp_path, "-m", *SWEEP, "attention=contextual,none", "seed=1,2",
        "hydra/launcher=slurm", "hydra.launcher.partition=gpu", "sweep.dry_run=true",
    )  # fmt: skip
    assert status == 0, err
    assert out.startswith("Dry run of 4 runs with hydra/launcher=slurm partition=gpu ")
    rows = [line.split() for line in out.splitlines() if " s/step " in line]
    assert [row[0] for row in rows] == ["0", "1", "2", "3"]
    assert [row[5:] for row in rows] == [
        [f"attention={attention}", f"seed={seed}"]
        for attention in ("contextual", "none")
        for seed in (1, 2)
    ]
    assert all(float(row[3]) > 0 for row in rows)
    assert "for each of 2 cells" in out
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
        {"hydra": {"overrides": {"hydra": list(hydra)}, "sweeper": sweeper or {},
                   "launcher": {"_target_": "a.Launcher", **launcher}}}
    )  # fmt: skip


def test_a_repetition_takes_the_launcher_and_leaves_the_sweeps_own_settings():
    plan = planned(
        "hydra/launcher=slurm", "hydra.launcher.partition=gpu", "hydra.sweep.dir=sweep",
        "hydra.sweep.subdir=x", "hydra/sweeper=optuna", "hydra.sweeper.n_trials=3",
        "hydra.mode=MULTIRUN", sweeper={"n_trials": 3},
    )  # fmt: skip
    cell = Cell(Path("/a folder, or two"), ("gan=hinge", "seed=1"), "gan=hinge", 1)
    given = repeat(cell, plan)
    assert given[given.index("-m") + 1 :] == [
        "hydra/launcher=slurm", "hydra.launcher.partition=gpu", "hydra/sweeper=basic", "gan=hinge",
        "seed=1", "hydra.sweep.dir='/a folder, or two'", "hydra.sweep.subdir=.",
    ]  # fmt: skip


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


def test_training_is_started_beside_this_command(tmp_path):
    assert train_command(str(SCRIPTS / "sweep.py")) == [sys.executable, str(SCRIPTS / "train.py")]
    (tmp_path / "farfill-train").touch()
    assert train_command(str(tmp_path / "farfill-sweep"))[1] == str(tmp_path / "farfill-train")
    assert train_command("pytest")[1] == "-c"
