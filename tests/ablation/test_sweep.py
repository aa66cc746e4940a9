"""Which runs belong where, and what must not be compared."""

import csv
import json
import shutil

import numpy as np
import pytest

from farfill.ablation.stability import STATISTICS, flags
from farfill.ablation.sweep import read_sweep, require_comparable
from farfill.ablation.tables import warning
from farfill.rundir.record import OURS, as_text, state
from farfill.rundir.status import write_status
from helpers.sweeps import claim, gan_run, gan_sweep, write_plan

CELLS = {"hinge": 0.1, "lsgan": 0.2}


def states(folder):
    sweep = read_sweep(folder, {}, [])
    return {name: [state(run) for run in runs] for name, runs in sweep.cells.items()}


def test_cells_are_grouped_by_the_swept_options_in_their_order(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"lsgan": 0.2, "hinge": 0.1}), {}, [])
    assert list(sweep.cells) == ["gan=lsgan", "gan=hinge"]
    assert [run.seed for run in sweep.cells["gan=hinge"]] == [1, 2, 3]
    assert sweep.reference_label == "gan=lsgan"
    assert list(sweep.baselines) == ["telea (classical baseline)"]
    require_comparable(sweep)


def test_runs_that_failed_diverged_or_never_started_appear(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}, seeds=2)
    write_plan(tmp_path, {"gan": "hinge,lsgan,none", "seed": "1,2,3"})
    broken = {"train/critic/total": [1.0, float("nan")]}
    gan_run(tmp_path / "9", "none", 1, curves=broken)
    write_status(gan_run(tmp_path / "10", "none", 2, l1=None), "diverged")
    assert states(tmp_path) == {
        "gan=hinge": ["done", "done", "missing"],
        "gan=lsgan": ["failed", "failed", "missing"],
        "gan=none": ["diverged", "diverged", "missing"],
    }


def test_a_run_that_was_refused_for_its_seed_hides_no_other(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=2)
    write_plan(tmp_path, {"gan": "hinge,lsgan", "seed": "1,2,x"})
    gan_run(tmp_path / "9", "hinge", "x", l1=None)
    assert states(tmp_path) == {"gan=hinge": ["done"] * 2, "gan=lsgan": ["done"] * 2}


def test_the_command_line_wins_over_the_ablations_own_sweep(tmp_path):
    task = ("seed=7,8", "batch_size=4", "data.root=${oc.env:NOT_THERE}")
    write_plan(tmp_path, {"gan": "hinge,lsgan", "seed": "1,2,3"}, *task)
    assert states(tmp_path) == {"gan=hinge": ["missing"] * 2, "gan=lsgan": ["missing"] * 2}


def test_a_sweep_without_its_plan_has_the_runs_that_started(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=2)
    (tmp_path / "multirun.yaml").unlink()
    assert states(tmp_path) == {"gan=hinge": ["done"] * 2, "gan=lsgan": ["done"] * 2}


def test_a_repeated_run_takes_the_place_of_one_that_failed(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}, seeds=1)
    gan_run(tmp_path / "again", "lsgan", 1)
    assert states(tmp_path)["gan=lsgan"] == ["done"]
    gan_run(tmp_path / "once_more", "lsgan", 1)
    with pytest.raises(ValueError, match="expected one finished run of gan=lsgan with seed 1"):
        read_sweep(tmp_path, {}, [])


def test_unpaired_holes_are_refused(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=1)
    gan_run(tmp_path / "other", "none", 1, manifest="another")
    with pytest.raises(ValueError, match=r"seed 1 .* manifest manifest-1 in .* and another in"):
        require_comparable(read_sweep(tmp_path, {}, []))


def test_other_pictures_in_another_seed_are_refused(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=2)
    path = tmp_path / "1" / "report" / "per_image.csv"
    with path.open(newline="") as lines:
        rows = list(csv.reader(lines))
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows(rows[:-1][:5])
    with pytest.raises(ValueError, match="expected all seeds to be scored on the same pictures"):
        require_comparable(read_sweep(tmp_path, {}, []))


@pytest.mark.parametrize("value", [16, None])
def test_cells_that_differ_in_anything_else_are_refused_by_name(tmp_path, value):
    gan_sweep(tmp_path, CELLS, seeds=1)
    gan_run(tmp_path / "9", "none", 1, config={"batch_size": value, "extra": {"key": 1}})
    with pytest.raises(
        ValueError, match=r"nothing but gan, but they differ in batch_size, extra\.key"
    ):
        require_comparable(read_sweep(tmp_path, {}, []))


def test_what_a_swept_option_changes_besides_can_be_named(tmp_path):
    question = {"varies": ["extra"]}
    gan_sweep(tmp_path, CELLS, seeds=1, question=question)
    gan_run(tmp_path / "9", "none", 1, config={"batch_size": 16, "extra": {"key": 1}})
    with pytest.raises(ValueError, match="differ in batch_size;"):
        require_comparable(read_sweep(tmp_path, {}, []))
    require_comparable(read_sweep(tmp_path, {}, ["batch_size"]))


def test_the_reference_comes_from_the_question_or_from_who_asks(tmp_path):
    question = {"reference": {"gan": "lsgan"}, "claims": [claim("hinge", "lsgan", "lower")]}
    sweep = read_sweep(gan_sweep(tmp_path, CELLS, question=question), {}, [])
    assert sweep.reference_label == "gan=lsgan"
    assert sweep.question == question
    assert read_sweep(tmp_path, {"gan": "hinge"}, []).reference_label == "gan=hinge"


def test_what_a_run_began_with_counts_and_not_a_later_command_that_was_refused(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=2)
    hydra = tmp_path / "0" / ".hydra"
    shutil.copy(hydra / "config.yaml", hydra / "begun.yaml")
    shutil.copy(hydra / "overrides.yaml", tmp_path / "0")
    (hydra / "config.yaml").write_text("gan: {}\nseed: 9\nlearning_rate: 0\n")
    (hydra / "overrides.yaml").write_text("- gan=none\n- seed=9\n")
    sweep = read_sweep(tmp_path, {}, [])
    require_comparable(sweep)
    assert {name: [run.seed for run in runs] for name, runs in sweep.cells.items()} == {
        "gan=hinge": [1, 2],
        "gan=lsgan": [1, 2],
    }


def test_a_run_that_ended_before_its_last_step_is_said(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=2)
    write_status(tmp_path / "0", "done", step=120, steps=400, short=True)
    write_status(tmp_path / "1", "done", step=400, steps=400)
    sweep = read_sweep(tmp_path, {}, [])
    runs = sweep.cells["gan=hinge"]
    assert [flags(run) for run in runs] == [["cut short"], []]
    assert [STATISTICS["unstable"](run) for run in runs] == [False, False]
    assert warning(sweep).startswith("Of 4 runs: 1 cut short.")


def test_what_has_no_settings_is_no_run(tmp_path):
    """A copy without dot folders, and a single run's folder."""
    gan_sweep(tmp_path / "sweep", CELLS, seeds=1)
    (tmp_path / "sweep" / "copied").mkdir()
    (tmp_path / "sweep" / "copied" / "overrides.yaml").write_text("- gan=none\n")
    assert states(tmp_path / "sweep") == {"gan=hinge": ["done"], "gan=lsgan": ["done"]}
    with pytest.raises(ValueError, match="expected a sweep's folder"):
        read_sweep(tmp_path / "sweep" / "0", {}, [])


def test_a_folder_without_runs_is_refused(tmp_path):
    with pytest.raises(ValueError, match="expected a sweep's folder"):
        read_sweep(tmp_path, {}, [])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (3, "3"),
        (0.5, "0.5"),
        (["a", "b"], "[a,b]"),
        ("[a, 'b']", "[a,b]"),
        ("1e-4", "0.0001"),  # a number to Hydra, text to YAML
        (0.0001, "0.0001"),
        ("7", "7"),
        ("1e", "1e"),
        ("12e4567", "12e4567"),
        ("[1e-4, 2,a1e-4]", "[0.0001,2,a1e-4]"),
        ([0.0001, 2], "[0.0001,2]"),
        ("1e-4.png", "1e-4.png"),
        ("True", "true"),  # as a sweep over true,false has it
        ("[False,Truest]", "[false,Truest]"),
    ],
)
def test_values_read_as_on_the_command_line(value, text):
    assert as_text(value) == text


def test_clusters_are_the_manifests_or_each_picture_for_itself(tmp_path):
    gan_sweep(tmp_path, CELLS, seeds=1)
    path = tmp_path / "0" / "report" / "manifest.json"
    entries = [{"index": n, "cluster": f"film{n // 6}"} for n in range(12)]
    path.write_text(json.dumps({"hash": "manifest-1", "entries": entries}))
    first, second = read_sweep(tmp_path, {}, []).records[:2]
    assert first.clusters == ("film0",) * 6 + ("film1",) * 6
    assert len(set(second.clusters)) == 12


def test_what_a_baseline_has_no_value_for_is_no_measure_of_it(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.1}, seeds=1)
    path = tmp_path / "0" / "report" / "per_image.csv"
    with path.open(newline="") as lines:
        first, *rows = csv.reader(lines)
    kept = [[*row, "" if row[0] != OURS else "nan" if n else "0.5"] for n, row in enumerate(rows)]
    with path.open("w", newline="") as lines:
        csv.writer(lines).writerows([[*first, "attention_moved"], *kept])
    scores = read_sweep(tmp_path, {}, []).records[0].scores
    assert scores[OURS]["attention_moved"].shape == (12,)
    assert np.isnan(scores[OURS]["attention_moved"]).sum() == 11
    assert [name for name, one in scores.items() if "attention_moved" in one] == [OURS]
