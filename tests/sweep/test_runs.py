"""The runs of a sweep's folder, and what became of each."""

import os

import pytest
import yaml

from farfill.rundir.status import here, write_status
from farfill.sweep.runs import condition, read_outcomes, read_plan, read_runs, status_table
from helpers.sweeps import gan_run, gan_sweep, write_plan

ENDED = {"host": "here", "process": 1, "updated": "2020-01-01T00:00:00+00:00"}


def seen(folder):
    return {(run.label, run.seed): condition(run) for run in read_runs(folder, read_plan(folder))}


def test_a_sweep_without_status_files_is_judged_by_its_reports(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}, seeds=1)
    write_plan(tmp_path, {"gan": "hinge,lsgan,none", "seed": "1"})
    expected = {"gan=hinge": "done", "gan=lsgan": "failed", "gan=none": "missing"}
    assert seen(tmp_path) == {(label, 1): state for label, state in expected.items()}


@pytest.mark.parametrize("state", ["done", "failed", "diverged"])
def test_a_run_that_has_ended_is_what_it_says(tmp_path, state):
    write_plan(tmp_path, {"seed": "1,2"})
    write_status(tmp_path / "1", state)
    assert seen(tmp_path)["the run", 2] == state


@pytest.mark.parametrize(
    ("state", "found"), [("queued", "missing"), ("running", "lost"), ("preempted", "lost")]
)
def test_a_run_that_nobody_is_going_to_end(tmp_path, state, found):
    write_plan(tmp_path, {"seed": "1,2"})
    write_status(tmp_path / "0", state, **here())
    write_status(tmp_path / "1", state, **ENDED)
    assert seen(tmp_path) == {("the run", 1): state, ("the run", 2): found}


def test_a_run_repeated_by_hand_and_done_stands_for_the_planned_one(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}, seeds=1)
    gan_run(tmp_path / "again", "lsgan", 1)
    assert seen(tmp_path) == {("gan=hinge", 1): "done", ("gan=lsgan", 1): "done"}


def test_folders_that_are_named_by_overrides_are_found_by_them(tmp_path):
    write_plan(tmp_path, {"gan": "hinge,lsgan", "seed": "1"}, "ablation=gan")
    plan = yaml.safe_load((tmp_path / "multirun.yaml").read_text())
    plan["hydra"]["sweep"] = {"subdir": "${hydra.job.override_dirname}"}
    (tmp_path / "multirun.yaml").write_text(yaml.safe_dump(plan))
    gan_run(tmp_path / "gan=lsgan,seed=1", "lsgan", 1)
    assert seen(tmp_path) == {("gan=hinge", 1): "missing", ("gan=lsgan", 1): "done"}


def test_a_folder_that_is_no_sweeps_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"multirun\.yaml"):
        read_plan(tmp_path)


def test_the_table_has_a_row_per_choice_and_a_column_per_seed(tmp_path):
    write_plan(tmp_path, {"gan": "hinge,lsgan", "seed": "1,2"})
    hour = {"started": "2020-01-01T00:00:00+00:00", "ended": "2020-01-01T01:02:03+00:00"}
    write_status(tmp_path / "0", "done", step=4, steps=4, host="node3", job="12_0", **hour)
    write_status(tmp_path / "2", "failed", message="the disk is full", host="node3", **hour)
    write_status(tmp_path / "3", "running", step=1, steps=4, host="elsewhere", process=os.getpid())
    table = status_table(read_outcomes(tmp_path, read_plan(tmp_path)))
    head, hinge, lsgan, empty, trouble, totals = table.splitlines()
    assert head.split() == ["seed", "1", "seed", "2"]
    assert hinge == "gan=hinge  done 4/4 1:02:03 node3/12_0  missing"
    assert lsgan == "gan=lsgan  failed 1:02:03 node3         running 1/4 elsewhere"
    assert not empty
    assert trouble == f"{tmp_path}/2: failed: the disk is full"
    assert totals == "4 runs: 1 done, 1 missing, 1 failed, 1 running"
