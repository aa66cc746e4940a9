"""A run's folder with each of its files damaged in turn: one sentence, or the run goes on."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from farfill.checkpoint import read_checkpoint
from farfill.cli.sweep import main
from farfill.rundir.status import LOCK_FILE, read_status
from helpers.command import command
from helpers.fuzz import refusal
from helpers.runs import TINY, tiny_train

DAMAGES = {
    "truncated": lambda data: data[: len(data) // 2],
    "random": lambda data: np.random.default_rng(len(data)).bytes(len(data)),
    "emptied": lambda data: b"",
    "NULs": lambda data: bytes(len(data)),
}
#: Without which no run goes on as it was, and those that are read on the way.
VITAL = ("config.yaml", "status.json", "metrics.csv", "overrides.yaml", "checkpoints/last.ckpt")


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    """A sweep of two runs of one step."""
    folder = tmp_path_factory.mktemp("sweep")
    given = [*TINY, "baseline=[]", "trainer.max_steps=1", "hydra.sweep.dir=runs", "seed=1,2"]
    status, _, err = command("train", folder, "-m", *given)
    assert status == 0, err
    return folder / "runs"


def files_of(run: Path) -> list[str]:
    """Every kind of file: of the report's pictures one each."""
    files = [path for path in run.rglob("*") if path.is_file() and path.name != LOCK_FILE]
    kinds = {
        (path.parent, path.suffix if path.suffix == ".png" else path.name): path for path in files
    }
    return sorted(str(path.relative_to(run)) for path in kinds.values())


def damaged_runs(sweep, tmp_path, names):
    """A copy of the sweep for each file of its second run and each way to damage that."""
    for name in names:
        for kind, damage in DAMAGES.items():
            folder = tmp_path / f"{name.replace('/', '_')}-{kind}"
            shutil.copytree(sweep, folder)
            file = folder / "1" / name
            file.write_bytes(damage(file.read_bytes()))
            yield folder, file
            shutil.rmtree(folder)


def goes_on(sweep, tmp_path, names):
    """How many were tried, and which were refused; fails unless each of them ends well."""
    tried, refused = 0, set()
    for folder, file in damaged_runs(sweep, tmp_path, names):
        tried += 1
        run = folder / "1"
        before = {path: path.read_bytes() for path in run.rglob("*.ckpt")}
        try:
            tiny_train(run, "baseline=[]", "trainer.max_steps=2", "seed=2", "ckpt_path=last")
        except Exception as error:
            refusal(error, str(file))
            refused.add(str(file.relative_to(run)))
            assert {path: path.read_bytes() for path in run.rglob("*.ckpt")} == before
        else:
            assert read_checkpoint(run / "checkpoints" / "last.ckpt")["global_step"] == 2
            assert read_status(run)["state"] == "done"
    return tried, refused


@pytest.mark.slow
def test_a_run_goes_on_or_says_which_of_its_files_is_damaged(sweep, tmp_path):
    tried, refused = goes_on(sweep, tmp_path, VITAL)
    assert tried == 20
    assert refused - {"config.yaml"} == {"metrics.csv", "checkpoints/last.ckpt"}


def test_settings_that_cannot_be_read_are_named_where_there_is_no_checkpoint(sweep, tmp_path):
    for folder, _ in damaged_runs(sweep, tmp_path, ["config.yaml"]):
        shutil.rmtree(folder / "1" / "checkpoints")
        with pytest.raises(ValueError, match=r"config\.yaml is damaged|other settings") as error:
            tiny_train(folder / "1", "seed=2")
        refusal(error.value, str(folder / "1"))


@pytest.mark.slow
def test_every_file_of_a_run_damaged_in_turn(sweep, tmp_path):
    names = [name for name in files_of(sweep / "1") if name not in VITAL]
    tried, refused = goes_on(sweep, tmp_path, names)
    assert tried == 4 * len(names) >= 60
    assert not refused


@pytest.mark.slow
def test_a_sweeps_table_with_every_file_of_a_run_damaged_in_turn(sweep, tmp_path, capsys):
    names, tried = files_of(sweep / "1"), 0
    for with_status in (True, False):
        for folder, file in damaged_runs(sweep, tmp_path, names):
            if not with_status:
                for run in ("0", "1"):
                    (folder / run / "status.json").unlink()
            tried += 1
            with pytest.raises(SystemExit) as ended:
                main(["status", str(folder)])
            out, err = capsys.readouterr()
            assert (ended.value.code, err) == (0, ""), file
            assert "Traceback" not in out
            row, *_, totals = out.splitlines()[1:]
            assert row.startswith("the run  done"), file
            assert totals.startswith("2 runs: ")
    assert tried == 8 * len(names) >= 150
