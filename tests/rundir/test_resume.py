"""A run's folder: one run, one process, and nothing good in it is ever lost."""

from __future__ import annotations

import os
import pickle
import resource
import shutil
from pathlib import Path

import pytest

from farfill.callback.random_state import RandomState
from farfill.checkpoint import read_checkpoint
from farfill.rundir.status import LOCK_FILE, read_status
from helpers.children import die_at_call, train_in_child
from helpers.command import command
from helpers.runs import TINY, tiny_train

SHORT = ("trainer.max_steps=2", "baseline=[]")
LONGER = ("trainer.max_steps=4", "baseline=[]")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    tiny_train(folder, *SHORT)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A run that may go on."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_FILE)
    return {path: path.read_bytes() for path in files}


def refused(run, words, *overrides):
    before = contents(run)
    with pytest.raises(ValueError, match=words) as error:
        tiny_train(run, *overrides)
    assert "\n" not in str(error.value)
    assert contents(run) == before


def test_another_runs_folder_is_refused(run):
    refused(run, r"other settings: .*seed \(was 1, now 2\)", *LONGER, "seed=2")


def test_another_runs_folder_is_refused_before_its_first_checkpoint(run):
    shutil.rmtree(run / "checkpoints")
    (run / "status.json").unlink()
    refused(run, r"other settings, .*seed \(was 1, now 2\)", *LONGER, "seed=2")


def test_a_checkpoint_from_elsewhere_does_not_replace_a_run(run, finished):
    refused(run, "holds another run", *LONGER, f"ckpt_path={finished}/checkpoints/last.ckpt")


def test_last_needs_a_run(tmp_path):
    refused(tmp_path, "but there is none: name its folder", *SHORT, "ckpt_path=last")


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: path.write_bytes(pickle.dumps({"state_dict": os.system})),
        lambda path: path.write_text("hello"),
    ],
    ids=["half", "foreign", "text"],
)
def test_a_bad_checkpoint_is_named_and_kept(run, harm):
    harm(run / "checkpoints" / "last.ckpt")
    refused(run, "last.ckpt is not a whole checkpoint .*best.ckpt", *LONGER)
    assert read_checkpoint(run / "checkpoints" / "best.ckpt")


def test_weights_alone_do_not_go_on(run):
    import torch

    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    del checkpoint["optimizer_states"], checkpoint["loops"]
    torch.save(checkpoint, last)
    refused(run, "not optimizer_states, loops, so no run can go on", *LONGER)


def test_a_run_of_another_version_is_not_gone_on_with_but_its_weights_are(run, tmp_path):
    import torch

    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    checkpoint["farfill"]["version"] = 1
    torch.save(checkpoint, last)
    refused(run, r"was written by Farfill 0\..*no run can go on from it, but init_from", *LONGER)
    tiny_train(tmp_path / "other", *SHORT, f"init_from={last}")


def test_a_full_disk_keeps_the_checkpoint_before(run):
    """Files may grow to 300 kB: rows fit, a checkpoint does not."""
    last = run / "checkpoints" / "last.ckpt"
    assert last.stat().st_size > 300_000
    before = last.read_bytes()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    assert train_in_child(run, *LONGER, prepare=limit) == 1
    assert last.read_bytes() == before
    status = read_status(run)
    assert status["state"] == "failed"
    assert "could not be written" in status["message"]
    assert not list(run.rglob(".part-*"))
    assert train_in_child(run, *LONGER) == 0
    assert read_checkpoint(last)["global_step"] == 4


#: Where a process that is killed may leave a file half written.
PLACES = (".", "checkpoints", "pictures", "report", "report/pictures", "report/pictures/ours")


def leave(folder, name, *files):
    half = folder / name
    half.mkdir(parents=True)
    for file in files:
        (half / file).touch()
    return half


def test_what_a_killed_process_left_is_tidied_up(run):
    halves = [leave(run / place, ".part-ab12_x9z", "last.ckpt") for place in PLACES]
    halves += [leave(run / place, ".part-ab12_x9y") for place in PLACES]
    others = [
        leave(run, ".part-mine", "thesis.txt"),
        leave(run, ".part-ab12_x9x", "one", "two"),
        leave(run, ".part-ab12_x9w/deep"),
        leave(run / "other", ".part-ab12_x9v", "deeper"),
    ]
    assert train_in_child(run, *LONGER, prepare=die_at_call(RandomState, "setup", 1)) < 0
    assert not [half for half in halves if half.exists()]
    assert all(other.is_dir() for other in others)


def test_a_refused_command_deletes_nothing(run, tmp_path):
    half = leave(tmp_path / "none" / "checkpoints", ".part-ab12_x9z", "last.ckpt")
    refused(tmp_path / "none", "but there is none", *SHORT, "ckpt_path=last")
    assert half.is_dir()
    half = leave(run / "checkpoints", ".part-ab12_x9z", "last.ckpt")
    refused(run, "other settings", *LONGER, "seed=2")
    assert half.is_dir()


def test_a_refused_command_does_not_hide_the_run_from_ckpt_path_last(tmp_path):
    """Hydra writes ``.hydra/overrides.yaml`` before the command is refused."""
    place, same = "hydra.run.dir=runs/2026-01-01/10-00-00", [*TINY, "baseline=[]"]
    status, _, err = command("train", tmp_path, *same, "trainer.max_steps=1", place)
    assert status == 0, err
    status, _, err = command("train", tmp_path, *same, "learning_rate=0.5", place)
    assert status == 2
    assert "other settings: learning_rate" in err
    status, out, err = command("train", tmp_path, *same, "trainer.max_steps=2", "ckpt_path=last")
    assert status == 0, err
    assert "Going on after generator step 1." in out
