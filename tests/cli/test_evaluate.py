"""Scoring a checkpoint: what it leaves, and that the numbers repeat."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from omegaconf import OmegaConf
from PIL import Image

from farfill.cli.convert import convert
from farfill.cli.evaluate import take_over
from helpers.compose import composed
from helpers.runs import RESULTS, compose_tiny, tiny_evaluate, tiny_train
from helpers.weights import ship


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    tiny_train(folder, "trainer.max_generator_steps=1", "baseline=[]")
    return folder / "checkpoints" / "last.ckpt"


@pytest.fixture(scope="module")
def scored(checkpoint, tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    return folder, tiny_evaluate(folder, f"ckpt_path={checkpoint}")


def results(folder):
    return json.loads((folder / "result.json").read_text())


def metrics(folder):
    """Everything but the times."""
    result = results(folder)
    return {name: filler["metrics"] for name, filler in result["fillers"].items()}


def test_it_leaves_table_manifest_and_pictures(scored):
    folder, printed = scored
    assert all((folder / name).is_file() for name in RESULTS)
    assert (folder / "table.md").read_text() in printed
    for words in ("last.ckpt", "telea (classical baseline)", "n = 8", results(folder)["manifest"]):
        assert words in printed


def test_mean_is_the_mean_of_the_pictures(scored):
    folder, _ = scored
    with (folder / "per_image.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["filler"] == "last.ckpt"]
    mean = sum(float(row["l1_hole"]) for row in rows) / len(rows)
    assert metrics(folder)["last.ckpt"]["l1_hole"]["mean"] == pytest.approx(mean, abs=1e-7)


def test_where_the_attention_looks_is_measured_as_at_the_end_of_training(checkpoint, scored):
    def looked(folder, filler):
        with (folder / "per_image.csv").open() as file:
            rows = [row for row in csv.DictReader(file) if row["filler"] == filler]
        names = [name for name in rows[0] if name.startswith("attention_")]
        return [[float(row[name] or "nan") for name in names] for row in rows]

    then = looked(checkpoint.parents[1] / "report", "this run")
    assert np.isfinite(then).any()
    # In batches of another size sums round otherwise.
    np.testing.assert_allclose(looked(scored[0], "last.ckpt"), then, rtol=1e-4, atol=1e-6)


def test_the_same_manifest_gives_the_same_numbers(checkpoint, scored, tmp_path):
    folder, _ = scored
    torch.manual_seed(99)
    tiny_evaluate(
        tmp_path, f"ckpt_path={checkpoint}", f"manifest={folder}/manifest.json", "batch_size=8"
    )
    assert metrics(tmp_path) == metrics(folder)
    assert results(tmp_path)["manifest"] == results(folder)["manifest"]


@pytest.mark.parametrize(
    ("override", "words"),
    [("seed=2", "other hole"), ("mask=centre", "other hole"), ("image_size=36", "other image")],
)
def test_other_pictures_or_holes_are_refused(checkpoint, scored, tmp_path, override, words):
    folder, _ = scored
    with pytest.raises(ValueError, match=words) as error:
        tiny_evaluate(
            tmp_path, f"ckpt_path={checkpoint}", f"manifest={folder}/manifest.json", override
        )
    assert "\n" not in str(error.value)
    assert not (tmp_path / "table.md").exists()


def test_weights_alone_are_scored_on_what_is_said(checkpoint, scored, tmp_path):
    """As the run that they are of was measured, but for the rounding of the weights."""
    file = tmp_path / "a.safetensors"
    convert(str(checkpoint), file)
    said = ["mask=box", "image_size=32", "box_size=16", "data=sample", "data.resize=48"]
    for some in (said[1:], [*said[:1], *said[2:]], [*said[:2], *said[3:]], said[:3]):
        with pytest.raises(ValueError, match=r"a\.safetensors are weights alone.*data=folder"):
            tiny_evaluate(tmp_path, f"ckpt_path={file}", *some)
    printed = tiny_evaluate(tmp_path, f"ckpt_path={file}", *said)
    assert "Scored on data sample, mask box, seed 1." in printed
    mine, theirs = metrics(tmp_path)["a.safetensors"], metrics(scored[0])["last.ckpt"]
    assert mine["l1_hole"]["mean"] == pytest.approx(theirs["l1_hole"]["mean"], abs=1e-3)
    assert results(tmp_path)["manifest"] == results(scored[0])["manifest"]


def test_weights_that_come_along_are_scored_as_farfill_inpaint_has_them(
    checkpoint, tmp_path, monkeypatch
):
    """With detail, unless it is switched off."""
    file = tmp_path / "a.safetensors"
    convert(str(checkpoint), file)
    said = ["mask=box", "image_size=32", "box_size=16", "data=sample", "data.resize=48"]
    ship(file, "garden-32", monkeypatch, detail=True)
    scores = []
    for name, more in (("garden-32", []), ("garden-32", ["detail=false"]), (file, ["detail=true"])):
        printed = tiny_evaluate(tmp_path / str(len(scores)), f"ckpt_path={name}", *said, *more)
        assert ("With detail, from where" in printed) == (more != ["detail=false"])
        scores.append(metrics(tmp_path / str(len(scores)))[Path(name).name]["tv_isotropic_full"])
    assert scores[0] == scores[2] != scores[1]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=1", "say which checkpoint"),
        ("ckpt_path=none.ckpt", "there is no file none.ckpt"),
    ],
)
def test_wrong_settings_are_one_sentence(tmp_path, override, words):
    with pytest.raises(ValueError, match=words) as error:
        tiny_evaluate(tmp_path, override)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("device=abacus", "device=cpu"),
        ("by=beauty", "psnr_hole"),
        ("box_size=8", "mask=box"),
        ("manifest=none.json", "none.json"),
    ],
)
def test_wrong_options_are_one_sentence(checkpoint, tmp_path, override, words):
    with pytest.raises((ValueError, OSError), match=words) as error:
        tiny_evaluate(tmp_path, f"ckpt_path={checkpoint}", override)
    assert "\n" not in str(error.value)


def test_a_trained_size_is_taken_over_and_can_be_changed(checkpoint, scored, tmp_path):
    folder, _ = scored
    assert results(folder)["image_size"] == [32, 32]
    tiny_evaluate(tmp_path, f"ckpt_path={checkpoint}", "image_size=40")
    assert results(tmp_path)["image_size"] == [40, 40]


def test_what_is_left_open_is_as_in_training(checkpoint, scored):
    """So the numbers are those of the run's own report."""
    folder, printed = scored
    own = results(checkpoint.parents[1] / "report")
    assert own["manifest"] == results(folder)["manifest"]
    ours = metrics(folder)["last.ckpt"]["l1_hole"]["mean"]
    assert ours == pytest.approx(own["fillers"]["this run"]["metrics"]["l1_hole"]["mean"], rel=1e-5)
    assert "Scored on data sample, mask box, seed 1." in printed


def test_holes_that_are_named_are_scored_and_not_those_of_the_runs_validation():
    trained = OmegaConf.to_container(composed("experiment=paper", "data=sample"), resolve=True)
    left_open, named = (compose_tiny(*more, name="evaluate") for more in ([], ["mask=centre"]))
    take_over(left_open, trained)
    assert left_open.datamodule.val_holes == trained["datamodule"]["val_holes"]
    take_over(named, trained)
    assert named.datamodule.val_holes is None


def test_other_data_are_named(checkpoint, tmp_path):
    """All pictures of a folder, which has none left to train on."""
    photos = tmp_path / "photos"
    photos.mkdir()
    for number in range(2):
        picture = np.random.default_rng(number).integers(0, 256, (40, 40, 3), np.uint8)
        Image.fromarray(picture).save(photos / f"{number}.png")
    other = (f"ckpt_path={checkpoint}", "data=folder", f"data.root={photos}", "mask=centre")
    printed = tiny_evaluate(tmp_path / "share", *other)
    assert "a share of 0.1; data.val_fraction=1 takes all) (trained on sample)" in printed
    assert "n = 1" in printed
    printed = tiny_evaluate(tmp_path / "out", *other, "data.val_fraction=1")
    assert f"data folder {photos} (trained on sample)" in printed
    assert "mask centre (trained on box)" in printed
    assert "n = 2" in printed
