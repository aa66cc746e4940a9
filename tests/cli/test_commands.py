"""The commands as a user types them: train, then evaluate and inpaint what was trained."""

from __future__ import annotations

import tomllib
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from farfill.rundir.status import read_status
from helpers.command import SCRIPTS, command
from helpers.runs import TINY


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    return folder, command(
        "train",
        folder,
        *TINY,
        "hydra.run.dir=run",
        "trainer.val_check_interval=4",
        "trainer.enable_progress_bar=true",
    )


def test_train_says_what_it_does_and_shows_the_table(trained):
    folder, (status, out, err) = trained
    assert status == 0, err
    for words in ("4 generator steps", "telea (classical baseline)", "Everything of this run"):
        assert words in out
    assert "Warning" not in out + err
    assert [line for line in out.splitlines() if line.startswith("generator step 4/4")]
    assert "Epoch" not in out + err  # no bar where there is no terminal
    assert {path.name for path in folder.iterdir()} == {"run"}


def test_a_sweep_is_one_folder_per_run(tmp_path):
    status, _, err = command(
        "train",
        tmp_path,
        "-m",
        *TINY,
        "attention.propagation=3,null",
        "baseline=[]",
        "hydra.sweep.dir=sweep",
        "trainer.max_steps=1",
        "logger=wandb",
    )
    assert status == 0, err
    names = set()
    for run in (tmp_path / "sweep" / number for number in ("0", "1")):
        assert (run / "checkpoints" / "last.ckpt").is_file()
        names.add(read_status(run)["wandb"])
        assert list(run.glob(f"wandb/offline-run-*/run-{read_status(run)['wandb']}.wandb"))
    assert len(names) == 2


def test_evaluate_scores_what_was_trained(trained):
    folder, _ = trained
    status, out, err = command(
        "evaluate",
        folder,
        "ckpt_path=run/checkpoints/best.ckpt",
        "hydra.run.dir=scored",
    )
    assert status == 0, err
    assert "best.ckpt" in out
    assert (folder / "scored" / "manifest.json").is_file()


def test_inpaint_fills_with_what_was_trained(trained):
    folder, _ = trained
    photo = np.random.default_rng(0).integers(0, 256, (41, 53, 3), np.uint8)
    hole = np.zeros((41, 53), np.uint8)
    hole[10:30, 12:40] = 255
    Image.fromarray(photo).save(folder / "photo.png")
    Image.fromarray(hole).save(folder / "hole.png")
    status, _, err = command(
        "inpaint",
        folder,
        "ckpt_path=run/checkpoints/last.ckpt",
        "image=photo.png",
        "mask=hole.png",
        "output=filled.png",
        "attention=map.png",
    )
    assert status == 0, err
    filled = np.asarray(Image.open(folder / "filled.png"))
    assert (filled[hole == 0] == photo[hole == 0]).all()
    assert (filled[hole > 0] != photo[hole > 0]).mean() > 0.9


@pytest.mark.parametrize(
    ("script", "argument", "words"),
    [
        ("train", "box_size=640", "box"),
        ("train", "+trainer.max_stepps=3", "did you mean max_steps?"),
        ("train", "data=folder", "data.root"),
        ("evaluate", "ckpt_path=none.ckpt", "none.ckpt"),
        ("inpaint", "image=photo.jpg", "ckpt_path"),
    ],
)
def test_bad_input_is_one_line(tmp_path, script, argument, words):
    status, _, err = command(script, tmp_path, argument)
    assert status == 2
    assert err.startswith("farfill: ")
    assert words in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("script", ["train", "evaluate", "inpaint"])
def test_help_is_there(tmp_path, script):
    status, out, _ = command(script, tmp_path, "--help")
    assert status == 0
    assert "ckpt_path" in out
    assert not list(tmp_path.iterdir())


def test_every_installed_command_is_there():
    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function)), name
