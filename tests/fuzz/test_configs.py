"""Wrong values of real options: a run that could start, or one line; nothing is written or lost."""

import contextlib
import copy
import io
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import strategies as st
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from PIL import Image

import farfill.machine
import farfill.module.trainer_parts
from farfill.cli.inpaint import inpaint, settings_of
from farfill.config.arguments import flat
from farfill.config.instantiate import plain
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from helpers.fuzz import LONGEST, fuzz
from helpers.malformed import picture_files
from helpers.runs import compose_tiny
from helpers.tiny import tiny_checkpoint
from train import train

values = st.one_of(
    st.integers(),
    st.floats(),
    st.text(max_size=10),
    st.none(),
    st.booleans(),
    st.sampled_from([0, -1, 1, 3, 0.5, 10**6, 10**9, 2**31, 2**63, 10**30, 1e308]),
    st.sampled_from(
        [
            "",
            " ",
            "é\n",
            "nan",
            "null",
            "/dev/null",
            "~nobody",
            "\udcff",
            "a" * 300,
            "${seed}",
            "${nowhere}",
        ]
    ),
    st.lists(st.integers() | st.text(max_size=3), max_size=3),
    st.dictionaries(st.text("abc", min_size=1, max_size=3), st.integers(), max_size=2),
)

VARIANTS = (
    (),
    ("data=folder", "data.root=."),
    ("mask=free_form",),
    ("mask=folder", "mask.root=."),
    ("data=known_source", "data.resize=48"),
    ("attention=stn",),
    ("attention=shift",),
    ("gan=hinge",),
    ("model=glcic",),
    ("schedule=constant", "loss=[style,total_variation]", "backbone=vgg16"),
)


class Reached(Exception):  # noqa: N818 -- it is none
    """Everything was checked and built, training would begin."""


def refused_or_done(command: Any) -> bool:
    """Run a command; whether it came to its end, or else said why not in one line."""
    err, status = io.StringIO(), 0
    try:
        with contextlib.redirect_stderr(err), contextlib.redirect_stdout(io.StringIO()):
            one_line_errors(command)()
    except Reached:
        pass
    except SystemExit as end:
        status = end.code
    if status == 0:
        return True
    line = err.getvalue()
    assert status == 2
    assert line.startswith("farfill: ")
    assert line.count("\n") == 1
    assert 15 < len(line) < LONGEST + 600, line  # it may quote a value of 300 letters
    return False


@cache
def composed(number: int) -> DictConfig:
    return compose_tiny(*VARIANTS[number], "trainer.max_steps=1")


@st.composite
def trainings(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    """One of the configurations, and values that replace some of its own."""
    number = draw(st.integers(0, len(VARIANTS) - 1))
    names = [  # but those of groups, which Hydra itself checks, and where files go
        name
        for name in sorted(flat(plain(composed(number))))
        if not (conf_dir() / name).is_dir() and not name.startswith("paths.")
    ]
    changed = draw(st.lists(st.sampled_from(names), min_size=1, max_size=2, unique=True))
    return number, {name: draw(values) for name in changed}


def changed(cfg: DictConfig, changes: dict[str, Any]) -> DictConfig | None:
    """The configuration with other values, or None where OmegaConf or Hydra refuses them."""
    cfg = copy.deepcopy(cfg)
    try:
        with open_dict(cfg):
            for name, value in changes.items():
                OmegaConf.update(cfg, name, value, merge=False)
    except OmegaConfBaseException:
        return None
    return cfg


@pytest.fixture(autouse=True)
def _no_training(monkeypatch):
    def reached(*_: object, **__: object) -> None:
        raise Reached

    monkeypatch.setattr(farfill.module.trainer_parts, "distributed_session", reached)
    monkeypatch.setattr(farfill.machine, "tune_processor", lambda: None)  # of this process


@fuzz(100, trainings())
def test_a_training_could_begin_or_one_line_says_why_not(folder, case):
    number, changes = case
    cfg = changed(composed(number), changes)
    (folder / "run").mkdir()
    if cfg is None:
        return
    cfg.paths.output_dir = str(folder / "run")
    if not refused_or_done(lambda: train(cfg)):
        assert not (folder / "run" / "checkpoints").exists()


@cache
def inpainting(folder: Path) -> dict[str, Any]:
    """Settings that fill a small picture, with an earlier result in its place."""
    torch.save(tiny_checkpoint(), folder / "a.ckpt")
    Image.new("RGB", (12, 8), "red").save(folder / "photo.png")
    mask = Image.new("L", (12, 8))
    mask.paste(255, (3, 2, 7, 6))
    mask.save(folder / "hole.png")
    names = {"ckpt_path": "a.ckpt", "image": "photo.png", "mask": "hole.png", "output": "old.png"}
    return {name: f"{folder}/{file}" for name, file in names.items()}


def test_without_wrong_values_both_come_to_their_end(tmp_path):
    cfg = copy.deepcopy(composed(0))
    cfg.paths.output_dir = str(tmp_path / "run")
    assert refused_or_done(lambda: train(cfg))
    settings = settings_of({**inpainting(tmp_path), "overwrite": True})
    assert refused_or_done(lambda: inpaint(settings))
    assert Image.open(tmp_path / "old.png").size == (12, 8)


_OPTIONS = (
    "ckpt_path image mask mask_from_alpha threshold invert dilate feather resize_mask max_hole "
    "overwrite lossy crop max_pixels max_file_pixels memory_limit device precision backend"
)


@fuzz(300, st.dictionaries(st.sampled_from(_OPTIONS.split()), values, min_size=1, max_size=2))
def test_a_hole_is_filled_or_the_old_result_stays(folder, case):
    common = folder.parent / "common"
    common.mkdir(exist_ok=True)
    settings = {**inpainting(common), **case}
    (common / "old.png").write_bytes(b"old")
    before = {path.name for path in common.iterdir()}
    if refused_or_done(lambda: inpaint(settings_of(settings))):
        assert settings["overwrite"]
        assert Image.open(common / "old.png").size == (12, 8)
    else:
        assert (common / "old.png").read_bytes() == b"old"
    assert {path.name for path in common.iterdir()} == before


@fuzz(200, st.tuples(picture_files(), picture_files(), st.booleans()))
def test_a_bad_picture_or_mask_leaves_the_old_result(folder, case):
    image, mask, both = case
    common = folder.parent / "common"
    common.mkdir(exist_ok=True)
    settings = inpainting(common) | {
        "image": str(image.put(folder)),
        "mask": str(mask.put(folder / "masks")) if both else str(common / "hole.png"),
        "output": str(folder / "old.tif"),
        "overwrite": True,
        "resize_mask": True,
        "max_file_pixels": 100_000,
        "max_pixels": 2_000,
    }
    (folder / "old.tif").write_bytes(b"old")
    if refused_or_done(lambda: inpaint(settings_of(settings))):
        assert Image.open(folder / "old.tif").width > 0
    else:
        assert (folder / "old.tif").read_bytes() == b"old"
    assert not list(folder.glob(".part-*"))
