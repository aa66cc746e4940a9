"""Weights are found by path, by the name they come with, or on the hub, and else refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from huggingface_hub import constants

from farfill import Generator, load_generator
from farfill.weights.find import FILE, FOLDER, find_weights, shipped
from helpers.weights import ship, tiny_weights, upload


@pytest.fixture
def file(tmp_path):
    return tiny_weights(tmp_path / "a.safetensors")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """A cache, and no network."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def refused(name, words):
    with pytest.raises(ValueError, match=words) as error:
        find_weights(name)
    assert "\n" not in str(error.value)


def test_a_path_and_a_folder_are_found(file, monkeypatch):
    assert find_weights(file) == find_weights(str(file)) == file
    folder = file.parent / "photographs-256"
    folder.mkdir()
    inside = file.rename(folder / FILE)
    assert find_weights(folder) == inside
    monkeypatch.setenv("HOME", str(file.parent))
    assert find_weights("~/photographs-256") == inside


def test_what_comes_with_farfill_is_found_by_name(file, monkeypatch):
    place = ship(file, "photographs-256", monkeypatch)
    assert find_weights("photographs-256") == place
    assert shipped()["photographs-256"].licence == "CC0-1.0"
    assert isinstance(load_generator("photographs-256"), Generator)


def test_what_lies_in_the_folder_comes_before_what_came_with_farfill(file, monkeypatch):
    place = ship(file, "photographs-256", monkeypatch)
    monkeypatch.chdir(file.parent)
    Path("photographs-256").mkdir()  # of results, say
    assert find_weights("photographs-256") == place
    file.rename(Path("photographs-256", FILE))
    assert find_weights("photographs-256") == Path("photographs-256", FILE)


def test_what_came_with_farfill_is_checked(file, monkeypatch):
    place = ship(file, "photographs-256", monkeypatch)
    place.write_bytes(tiny_weights(file).read_bytes()[:-1])
    refused("photographs-256", r"photographs-256\.safetensors is damaged: .*install again")


def test_an_unknown_name_is_refused_with_those_there_are(file, monkeypatch):
    refused("places", r"places is none of these: .*weights that come with Farfill \(")
    ship(file, "photographs-256", monkeypatch)
    refused("places", r"Farfill \(photographs-256\)$")
    refused("photograph-256", r"Farfill \(did you mean photographs-256\?\)$")


def test_a_run_is_no_checkpoint_but_has_some(file):
    for name in ("best", "last"):
        place = file.parent / "run" / "checkpoints" / f"{name}.ckpt"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    for folder in (place.parent, place.parent.parent):
        refused(
            folder, r"is a folder, of which one .* needed: .*best\.ckpt, .*/checkpoints/last\.ckpt$"
        )
    refused("gone/best.ckpt", r"there is no file gone/best\.ckpt$")


def test_the_hub_is_asked_for_a_model_and_a_revision(file, hub):
    upload(file, hub, "me/holes")
    upload(tiny_weights(file, Generator(channels=4)), hub, "me/holes", "v2")
    for revision, channels in {"": 2, "@main": 2, "@v2": 4}.items():
        name = f"hf://me/holes{revision}"
        assert hub in find_weights(name).parents
        for one in (name, Path(name)):  # which has one slash less
            assert load_generator(one).channels == channels


@pytest.mark.parametrize("name", ["hf://me/holes@v3", "hf://me/other", "hf://-/--"])
def test_what_the_hub_does_not_give_is_said(file, hub, name):
    upload(file, hub, "me/holes")
    refused(name, f"the hub does not give model.safetensors of {name} .*or name a file$")


@pytest.mark.parametrize("name", ["hf://", "hf://me", "hf://me/holes/3", "hf:holes", "hf://a/b@"])
def test_what_is_no_name_on_the_hub_is_refused(hub, name):
    refused(name, f"expected hf://user/model or hf://user/model@revision, got {name}$")


def test_without_huggingface_hub_its_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    refused("hf://me/holes", r"hf://me/holes needs huggingface_hub: pip install 'farfill\[hub\]'")


@pytest.mark.parametrize("tiny", [True, False])
def test_what_comes_along_is_small_whole_and_has_licence_and_card(tiny, file, monkeypatch):
    """Of one that the test makes, and of those that there are."""
    folder = FOLDER
    if tiny:
        folder = ship(file, "photographs-256", monkeypatch).parent
        (folder / "photographs-256.md").write_text("card")
    for name, entry in shipped().items():
        assert find_weights(name).stat().st_size <= 8e6
        load_generator(name)
        assert entry.licence
        assert (folder / f"{name}.md").is_file()
    assert {path.name for path in folder.glob("*.safetensors")} == {
        entry.file for entry in shipped().values()
    }
