"""The runs of a sweep's folder, and what became of each."""

import json
import os
import re

import pytest
import yaml
from omegaconf import OmegaConf

from farfill.rundir.status import here, now, read_status, write_status
from farfill.sweep.runs import (
    condition,
    planned_runs,
    read_outcomes,
    read_plan,
    read_runs,
    status_table,
)
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


def test_a_seed_that_is_none_does_not_end_the_table(tmp_path):
    write_plan(tmp_path, {"seed": "1,abc"})
    assert seen(tmp_path) == {("the run", 1): "missing", ("the run seed=abc", 0): "missing"}


#: What does not fit, and what is left of the run's cell.
MISFITS = [
    ("steps", "7", "running 3/? TIME HOST"),
    ("steps", None, "running 3/? TIME HOST"),
    ("step", [3], "running TIME HOST"),
    ("step", True, "running TIME HOST"),
    ("process", "x", "running 3/7 TIME HOST"),
    ("process", -1, "running 3/7 TIME HOST"),
    ("process", 10**30, "running 3/7 TIME HOST"),
    ("started", "yesterday", "running 3/7 HOST"),
    ("started", "2020-01-01T00:00:00", "running 3/7 HOST"),
    ("updated", 5, "lost 3/7 TIME HOST"),
    ("ended", {}, "running 3/7 TIME HOST"),
    ("host", 7, "running 3/7 TIME"),
    ("job", [1], "running 3/7 TIME HOST"),
    ("value", float("inf"), "running 3/7 TIME HOST"),
    ("value", "0.5", "running 3/7 TIME HOST"),
    ("message", {"a": 1}, "running 3/7 TIME HOST"),
    ("skipped", {"generator": "x"}, "running 3/7 TIME HOST"),
    ("state", "well", "missing"),
    ("state", ["running"], "missing"),
]


@pytest.mark.parametrize(("name", "value", "cell"), MISFITS)
def test_what_does_not_fit_in_a_status_is_left_out(tmp_path, name, value, cell):
    write_plan(tmp_path, {"seed": "1,2"})
    write_status(tmp_path / "0", "done", step=1)
    write_status(tmp_path / "1", "running", step=3, steps=7, started=now(), **here())
    said = read_status(tmp_path / "1") | {name: value}
    (tmp_path / "1" / "status.json").write_text(json.dumps(said))
    left = read_status(tmp_path / "1")
    assert left == ({k: v for k, v in said.items() if k != name} if name != "state" else {})
    table = status_table(read_outcomes(tmp_path, read_plan(tmp_path)))
    row = re.sub(r"0:00:\d\d", "TIME", table.splitlines()[1]).replace(here()["host"], "HOST")
    assert row == f"the run  done 1/?  {cell}"
    assert table.splitlines()[-1].startswith("2 runs: ")


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", "[" * 100_000, "\0", '{"state": "done"', "nan"]
)
def test_a_status_that_is_none_is_empty(tmp_path, text):
    (tmp_path / "status.json").write_text(text)
    assert read_status(tmp_path) == {}


def test_a_value_that_is_not_finite_is_not_written(tmp_path):
    write_status(tmp_path, "done", value=0.5, step=1)
    write_status(tmp_path, "done", value=float("inf"))
    assert read_status(tmp_path).get("value") is None
    assert json.loads((tmp_path / "status.json").read_text()).keys() == {"state", "step", "updated"}


def test_a_status_that_cannot_be_written_does_not_hide_the_error(tmp_path, monkeypatch):
    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match=r"status\.json could not be written"):
        write_status(tmp_path, "running")

    def end():
        try:
            raise KeyError("mine")
        except KeyError:
            write_status(tmp_path, "failed")
            raise

    with pytest.raises(KeyError, match="mine"):
        end()


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("metrics.csv", lambda data: data.replace(b"0.3", b"0\0003")),
        ("metrics.csv", lambda data: data.replace(b"0.3", b"three")),
        ("metrics.csv", lambda data: data.replace(b"10,", b"ten,")),
        ("metrics.csv", lambda data: data.replace(b"10,", b"10,1,1,")),
        ("metrics.csv", lambda data: data[data.index(b"\n") + 1 :]),
        ("metrics.csv", lambda data: b"\xff\n"),
        ("metrics.csv", lambda data: b"step,a\n1,%s\n" % (b"1" * 200_000)),
        ("report/per_image.csv", lambda data: data.replace(b"index", b"number")),
        ("report/per_image.csv", lambda data: data.replace(b"20.0", b"twenty")),
        ("report/manifest.json", lambda data: b"[]"),
        ("report/manifest.json", lambda data: data[:-1]),
    ],
)
def test_a_run_with_a_damaged_file_fails_alone_and_the_file_is_named(tmp_path, name, harm):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, seeds=1)
    file = tmp_path / "1" / name
    file.write_bytes(harm(file.read_bytes()))
    assert seen(tmp_path) == {("gan=hinge", 1): "done", ("gan=lsgan", 1): "failed"}
    trouble = status_table(read_outcomes(tmp_path, read_plan(tmp_path))).splitlines()[-2]
    assert trouble.startswith(f"{tmp_path}/1: failed: {file} is damaged")


@pytest.mark.parametrize("harm", [b"", b"hydra", b"hydra: {", b"\0", b"\xff", b"hydra: {a: 1}"])
def test_a_damaged_plan_is_named(tmp_path, harm):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, seeds=1)
    (tmp_path / "multirun.yaml").write_bytes(harm)
    with pytest.raises(ValueError, match=r"multirun\.yaml is no sweep's plan"):
        read_plan(tmp_path)


def test_runs_are_found_by_what_they_wrote_themselves(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}, seeds=1)
    (tmp_path / "multirun.yaml").unlink()
    for number, gan in enumerate(["hinge", "lsgan"]):
        own = yaml.safe_dump([f"gan={gan}", "seed=1", "ablation=gan"])
        (tmp_path / str(number) / "overrides.yaml").write_text(own)
    (tmp_path / "1" / ".hydra" / "overrides.yaml").write_text("- gan=vanilla\n- seed=1\n")
    plan = OmegaConf.create({"seed": 1})
    assert [run.label for run in read_runs(tmp_path, plan)] == ["gan=hinge", "gan=lsgan"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("fixed", ["fixed", "fixed"]),
        ("${hydra:runtime.choices.gan}-${seed}-${hydra.job.num}", ["lsgan-3-0", "hinge-3-1"]),
        *((only_hydra, ["0", "1"]) for only_hydra in ("${now:%H}", "${oc.env:HOME}")),
        *((only_hydra, ["0", "1"]) for only_hydra in ("${hydra.job.override_dirname}", "${odd}")),
    ],
)
def test_folders_have_the_names_that_hydra_gives_where_these_can_be_known(tmp_path, pattern, names):
    write_plan(tmp_path, {"gan": "lsgan,hinge"})
    plan = read_plan(tmp_path)
    hydra = {"sweep": {"subdir": pattern}, "runtime": {"choices": {"gan": "wgan_gp"}}}
    hydra["job"] = {"override_dirname": "of the whole sweep"}
    plan = OmegaConf.merge(plan, {"hydra": hydra, "seed": 3, "odd": "${hydra:job.id}"})
    assert [run.folder.name for run in planned_runs(plan, tmp_path)] == names
