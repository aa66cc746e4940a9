"""The commands as a user types them: train, then evaluate and inpaint what was trained."""

import os
import subprocess
import sys
import tomllib
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from farfill import __version__
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
    for words in (
        "4 generator steps with 1 critic step each",
        "telea (classical baseline)",
        "Everything of this run",
    ):
        assert words in out
    assert "Warning" not in out + err
    assert [line for line in out.splitlines() if line.startswith("generator step 4/4")]
    assert "Epoch" not in out + err  # no bar where there is no terminal
    assert {path.name for path in folder.iterdir()} == {"run"}


@pytest.mark.slow
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


@pytest.mark.parametrize(
    "words",
    [["ckpt_path=last"], pytest.param(["attention.propagation=3,null"], marks=pytest.mark.slow)],
)
def test_a_sweep_that_cannot_be_ends_without_a_traceback(tmp_path, words):
    status, _, err = command("train", tmp_path, "-m", *TINY, "seed=1,-1", "data=folder", *words)
    assert status == 2
    assert "Traceback" not in err
    assert err.splitlines()[-1].startswith("farfill: ")


def test_evaluate_scores_what_was_trained_last(trained):
    folder, _ = trained
    place = folder / "runs" / "day"
    place.mkdir(parents=True)
    (place / "time").symlink_to(folder / "run")
    status, out, err = command(
        "evaluate",
        folder,
        "ckpt_path=best",
        "trainer=cpu",
        "logger=csv",
        "hydra.run.dir=scored",
    )
    assert status == 0, err
    assert "farfill: best is runs/day/time/checkpoints/best.ckpt" in err
    assert "trainer=cpu is device=cpu" in err
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


#: What is seen only after all imports, a few of many: each takes seconds.
LATE = [
    ("train", "+trainer.max_stepps=3", "did you mean max_steps?"),
    ("train", "image_size={}", "image_size is one value, such as 64"),
    ("train", "tags=first", "`tags` to be a list, every item a word, got 'first'"),
    ("train", "data=folder", "data.root"),
    ("train", "datamodule.augment=3", "`datamodule.augment` to be parts by name, or null, got 3"),
]


@pytest.mark.parametrize(
    ("script", "argument", "words"),
    [
        *(pytest.param(*case, marks=pytest.mark.slow) for case in LATE),
        ("train", "box_size=640", "box"),
        ("train", "learnin_rate=3", "did you mean learning_rate?"),
        ("train", "attension=none", "did you mean attention?"),
        ("train", "attention=contextul", "did you mean contextual?"),
        ("train", "loss=[discounted_l1,knwon_l1]", "did you mean known_l1?"),
        ("train", "datamodule.batchsize=2", "did you mean datamodule.batch_size?"),
        ("train", "model.net=3", "no setting model.net: its parts have names of their own"),
        ("train", "model.width=3", "model, which is a group"),
        ("train", "model=mnist", "glcic"),
        ("train", "seed", "name=value, got seed"),
        ("train", "~callbacks.pictres", "callbacks.pictres"),
        ("train", "hydra/launcher=slrum", "did you mean slurm?"),
        ("evaluate", "data=foldr", "did you mean folder?"),
        ("evaluate", "+sed=9", "did you mean seed?"),
        ("evaluate", "logger=wandb", "leave logger=wandb out"),
        ("evaluate", "trainer=ddp", "device=cpu"),
        ("evaluate", "attention=none", "no attention=: what a checkpoint was made with"),
        ("train", "init_from=best", "no run below runs has saved a best.ckpt"),
        ("train", "generator=null", "generator has no option null: it is one of coarse_only"),
        ("evaluate", "ckpt_path=last", "no run below runs"),
        ("dashboard", "nam=x", "did you mean name?"),
        ("evaluate", "ckpt_path=none.ckpt", "none.ckpt"),
        ("inpaint", "image=photo.jpg", "say `mask`"),
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


def test_a_reader_that_has_enough_of_the_help_ends_it_without_a_word(tmp_path):
    program = [sys.executable, SCRIPTS / "train.py", "--help"]
    pipe, end = os.pipe()
    os.close(pipe)
    with os.fdopen(end, "wb") as shut:
        done = subprocess.run(
            program, cwd=tmp_path, stdout=shut, stderr=subprocess.PIPE, check=False, timeout=100
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_dashboard_has_a_version_too(tmp_path):
    assert command("dashboard", tmp_path, "--version")[:2] == (0, f"farfill {__version__}\n")


def test_every_installed_command_is_there():
    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function)), name
