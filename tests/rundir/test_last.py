"""``ckpt_path=last`` without a folder: the latest run that was started with the same options."""

from __future__ import annotations

import os

import pytest
from omegaconf import OmegaConf

from farfill.rundir.last import with_folder


def made(runs, name, *overrides, begun=True):
    folder = runs / name
    (folder / ".hydra").mkdir(parents=True)
    OmegaConf.save(OmegaConf.create(list(overrides)), folder / ".hydra" / "overrides.yaml")
    if begun:
        (folder / "config.yaml").touch()
    return folder


@pytest.fixture
def runs(tmp_path):
    made(tmp_path, "2026-01-01/10-00-00", "gan=hinge", "seed=2")
    made(tmp_path, "2026-01-02/10-00-00", "gan=hinge", "seed=2", "ckpt_path=last")
    made(tmp_path, "2026-01-03/10-00-00", "gan=hinge", "seed=2", begun=False)
    made(tmp_path, "2026-01-04/10-00-00", "gan=hinge")
    return tmp_path


def test_the_latest_run_of_the_same_command(runs):
    given = ["seed=2", "ckpt_path=last", "gan=hinge"]
    found = with_folder(given, runs)
    assert found == [*given, f"hydra.run.dir={runs}{os.sep}2026-01-02{os.sep}10-00-00"]


@pytest.mark.parametrize("given", [
    ["gan=hinge"], ["ckpt_path=a.ckpt"], ["ckpt_path=last", "hydra.run.dir=x"],
    ["-m", "ckpt_path=last", "hydra.sweep.dir=x"],
])  # fmt: skip
def test_what_says_more_or_less_stays_as_it_is(runs, given):
    assert with_folder(given, runs) == given


def test_no_such_run(runs):
    with pytest.raises(ValueError, match="started with these options"):
        with_folder(["ckpt_path=last", "gan=lsgan"], runs)
