"""The command line before Hydra reads it: file names, names of settings, the last run."""

import os

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from farfill.config.arguments import (
    newest_checkpoint,
    overrides_of,
    quote_paths,
    with_last_run,
)

NAMES = [
    "photo.jpg",
    "na\u00efve (1).jpg",
    "it's.png",
    "a=b, c.png",
    "~/x.png",
    "back\\slash.png",
    "{a}.png",
    "\u5199\u771f.png",
    "a\\'b\\",
    "with space.png",
    "100%.png",
]


@pytest.mark.parametrize("name", NAMES)
def test_the_name_arrives(name):
    (argument,) = quote_paths([f"ckpt_path={name}"])
    override = OverridesParser.create().parse_override(argument)
    assert override.value() == name


@pytest.mark.parametrize(
    "argument",
    [
        "ckpt_path='a b.png'",
        "ckpt_path=[a.png,b.png]",
        "ckpt_path=${x}",
        "seed=(1)",
        "--help",
        "mask=box",
    ],
)
def test_everything_else_stays(argument):
    assert quote_paths([argument]) == [argument]


def test_a_sweep_keeps_its_commas():
    arguments = ["-m", "init_from=a(1).ckpt,b.ckpt"]
    assert quote_paths(arguments) == arguments


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
    found = with_last_run(given, runs)
    assert found == [*given, f"hydra.run.dir={runs}{os.sep}2026-01-02{os.sep}10-00-00"]


@pytest.mark.parametrize(
    "given",
    [
        ["gan=hinge"],
        ["ckpt_path=a.ckpt"],
        ["ckpt_path=last", "hydra.run.dir=x"],
        ["-m", "ckpt_path=last", "hydra.sweep.dir=x"],
    ],
)
def test_what_says_more_or_less_stays_as_it_is(runs, given):
    assert with_last_run(given, runs) == given


def test_a_longer_or_otherwise_watched_run_is_the_same_run(runs):
    given = ["seed=2", "gan=hinge", "trainer.max_steps=9", "logger=csv", "ckpt_path=last"]
    assert with_last_run(given, runs)[-1].endswith(f"2026-01-02{os.sep}10-00-00")


@pytest.mark.parametrize("sweep", ["-m", "--multirun", "ablation=attention"])
@pytest.mark.parametrize("more", [[], ["hydra.run.dir=x"]])
def test_the_last_of_a_sweep_needs_its_folder(runs, sweep, more):
    with pytest.raises(ValueError, match=r"hydra\.sweep\.dir"):
        with_last_run([sweep, "ckpt_path=last", *more], runs)


def test_the_checkpoint_that_was_saved_last(tmp_path, capsys):
    for age, run in enumerate(["2026-01-02/10-00-00/9", "2026-01-03/10-00-00", "x/checkpoints"]):
        file = tmp_path / run / "checkpoints" / "last.ckpt"
        file.parent.mkdir(parents=True)
        file.touch()
        os.utime(file, (1000 - age, 1000 - age))
    found = newest_checkpoint("last", tmp_path)
    assert found == tmp_path / "2026-01-02/10-00-00/9/checkpoints/last.ckpt"
    assert str(found) in capsys.readouterr().err
    with pytest.raises(ValueError, match="name the file"):
        newest_checkpoint("best", tmp_path)


def test_what_the_run_wrote_counts_more_than_what_a_refused_command_left(runs):
    folder = made(runs, "2026-01-05/10-00-00", "gan=lsgan")
    OmegaConf.save(OmegaConf.create(["gan=vanilla", "seed=${x}"]), folder / "overrides.yaml")
    assert overrides_of(folder) == ["gan=vanilla", "seed=${x}"]
    found = with_last_run(["gan=vanilla", "seed=${x}", "ckpt_path=last"], runs)
    assert found[-1].endswith(f"2026-01-05{os.sep}10-00-00")


@pytest.mark.parametrize("harm", [b"", b"[gan", b"\0", b"\xff", b"text", b"a: b"])
def test_overrides_that_cannot_be_read_are_looked_for_in_hydras(runs, harm):
    folder = made(runs, "2026-01-05/10-00-00", "gan=lsgan")
    (folder / "overrides.yaml").write_bytes(harm)
    assert overrides_of(folder) == ["gan=lsgan"]
    (folder / ".hydra" / "overrides.yaml").write_bytes(harm)
    assert overrides_of(folder) is None
    with pytest.raises(ValueError, match="started with these options"):
        with_last_run(["gan=lsgan", "ckpt_path=last"], runs)


def test_no_such_run(runs):
    with pytest.raises(ValueError, match="started with these options"):
        with_last_run(["ckpt_path=last", "gan=lsgan"], runs)
