"""One tiny ablation as a user runs it: sweep, report; a run that fails stops no other."""

import pytest

from farfill.ablation.sweep import read_sweep
from helpers.command import command
from helpers.runs import TINY

SWEEP = [
    *(value for value in TINY if not value.startswith("checkpoint.every")),
    "data=sample",
    "ablation=propagation",
    "hydra.sweep.dir=sweep",
    "baseline=[mean_colour]",
    "checkpoint.every=0",
]


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablation")
    return folder, command("train", folder, *SWEEP, "seed=1,2")


def test_an_ablation_is_one_command_and_its_report_another(swept):
    folder, (status, _, err) = swept
    assert status == 0, err
    status, out, err = command("../ablations/report", folder, "sweep")
    assert status == 0, err
    for cell in ("attention.propagation=3", "attention.propagation=null"):
        assert f"| {cell} | 2 | 0 | 0 | 0 |" in out
    assert "With propagation the fill is nearer to the truth." in out
    assert (folder / "sweep" / "ablation.html").stat().st_size > 10_000
    status, out, err = command("../ablations/estimate", folder, "sweep")
    assert status == 0, err
    assert "| seeds needed |" in out


def test_all_cells_and_seeds_share_pictures_and_holes(swept):
    folder, _ = swept
    sweep = read_sweep(folder / "sweep", {}, [])
    assert {run.seed for run in sweep.records} == {1, 2}
    assert len({run.manifest for run in sweep.records}) == 1
    assert len({run.pictures for run in sweep.records}) == 1


def test_the_variance_of_holes_is_logged_at_every_validation(swept):
    folder, _ = swept
    for run in read_sweep(folder / "sweep", {}, []).records:
        curve = run.curves["val/hole_variance"]
        assert curve.steps.tolist() == [2, 4]
        assert (curve.values >= 0).all()


def test_a_run_that_fails_stops_no_other_and_says_why(tmp_path):
    words = "data=sample hydra.sweep.dir=sweep attention.rate=0,2 trainer.max_generator_steps=1"
    status, *_ = command("train", tmp_path, "-m", *SWEEP[:-4], *words.split(), "baseline=[]")
    assert status != 0
    failed, sound = read_sweep(tmp_path / "sweep", {}, []).records
    assert failed.error
    assert not failed.scores
    assert sound.scores
