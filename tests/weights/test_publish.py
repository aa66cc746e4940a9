"""Generators go to a folder or to the hub with what they are made of, and come back."""

from __future__ import annotations

import inspect
import json
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch
from hydra.utils import instantiate
from torch import nn

import farfill
from farfill import Generator
from farfill.attention.none import NoAttention
from farfill.config.instantiate import plain
from farfill.config.paths import conf_dir
from farfill.generator.coarse_only import CoarseOnly
from farfill.generator.glcic import GLCIC
from farfill.weights.publish import configuration
from helpers.compose import composed
from helpers.weights import tiny_weights, upload

ATTENTIONS = sorted(file.stem for file in (conf_dir() / "attention").glob("*.yaml"))


def same(one, other):
    """Whether a generator is another but for the rounding to float16."""
    first, second = one.state_dict(), other.state_dict()
    assert first.keys() == second.keys()
    return all(torch.equal(value.half(), second[name].half()) for name, value in first.items())


def refused(words, call, *arguments, **options):
    with pytest.raises(ValueError, match=words) as error:
        call(*arguments, **options)
    assert "\n" not in str(error.value)


def test_the_constructor_takes_what_it_took_and_nothing_else():
    assert [*inspect.signature(Generator).parameters] == ["channels", "attention"]
    with pytest.raises(TypeError, match="width"):
        Generator(width=8)


@pytest.mark.parametrize("attention", ATTENTIONS)
def test_a_generator_says_how_it_was_made(attention):
    config = plain(composed("channels=2", f"attention={attention}").generator)
    if attention == "contextual":
        config["attention"] |= {"rate": 4, "propagation": None}
    assert configuration(instantiate(config)) == config


@pytest.mark.parametrize(
    "generator", [Generator(2), Generator(4, NoAttention()), CoarseOnly(2), GLCIC(4, 1.5)]
)
def test_a_generator_comes_back_from_its_folder(generator, tmp_path):
    generator.save_pretrained(tmp_path / "a")
    for name in (tmp_path / "a", tmp_path / "a" / "model.safetensors"):
        loaded = type(generator).from_pretrained(name)
        assert type(loaded) is type(generator)
        assert configuration(loaded) == configuration(generator)
        assert same(loaded, generator)
        assert not loaded.training
    config = json.loads((tmp_path / "a" / "config.json").read_text())
    assert config == configuration(generator)


def test_the_card_is_filled_in_and_kept(tmp_path):
    fields = {"license": "cc-by-sa-4.0", "data": "Three photographs by nobody."}
    Generator(2).save_pretrained(tmp_path, model_card_kwargs=fields)
    card = huggingface_hub.ModelCard.load(tmp_path / "README.md")
    assert (card.data.license, card.data.library_name) == ("cc-by-sa-4.0", "farfill")
    assert "Three photographs by nobody." in card.text
    assert card.text.count("To be written") == 3
    (tmp_path / "README.md").write_text("mine")
    Generator(2).save_pretrained(tmp_path)
    assert (tmp_path / "README.md").read_text() == "mine"


def test_what_is_pushed_comes_back_by_its_name(tmp_path, monkeypatch):
    """The hub is a folder: what huggingface_hub would upload lands in its cache."""
    api, cache = huggingface_hub.HfApi, tmp_path / "hub"

    def create(self, repo_id, **options):
        return huggingface_hub.RepoUrl(f"https://huggingface.co/{repo_id}")

    def receive(self, *, repo_id, folder_path, revision, **options):
        shutil.copytree(folder_path, tmp_path / "got")
        upload(tmp_path / "got" / "model.safetensors", cache, repo_id, revision or "main")
        return f"https://huggingface.co/{repo_id}/commit/1"

    monkeypatch.setattr(api, "create_repo", create)
    monkeypatch.setattr(api, "upload_folder", receive)
    generator = Generator(2)
    address = generator.push_to_hub("me/holes", branch="v2")
    assert address == "https://huggingface.co/me/holes/commit/1"
    names = {path.name for path in (tmp_path / "got").iterdir()}
    assert names == {"README.md", "config.json", "model.safetensors"}
    there = {"cache_dir": cache, "local_files_only": True}
    assert same(Generator.from_pretrained("me/holes", revision="v2", **there), generator)
    assert same(Generator.from_pretrained("hf://me/holes@v2", **there), generator)
    refused("does not give", Generator.from_pretrained, "me/holes", **there)


def test_a_folder_comes_before_a_model_of_its_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("me/holes").mkdir(parents=True)
    tiny_weights(Path("me/holes/model.safetensors"))
    assert Generator.from_pretrained("me/holes").channels == 2


def test_another_class_is_refused(tmp_path):
    tiny_weights(tmp_path / "a.safetensors")
    words = r"a\.safetensors holds a Generator, not a CoarseOnly: farfill\.load_generator takes any"
    refused(words, CoarseOnly.from_pretrained, tmp_path / "a.safetensors")


class Mine(nn.Module):
    """A part that is not Farfill's."""


def test_what_could_not_be_built_anew_is_not_saved(tmp_path):
    mine = Generator(2, Mine())
    refused("a Mine cannot be saved: it is not a part of Farfill", mine.save_pretrained, tmp_path)
    forgetful = Generator(2)
    del forgetful.channels
    refused("a Generator cannot be saved: .*channels", forgetful.save_pretrained, tmp_path)
    assert not list(tmp_path.iterdir())


def test_weights_that_cannot_be_saved_leave_the_folder_as_it_was(tmp_path):
    generator = Generator(2)
    generator.save_pretrained(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    next(generator.parameters()).data.fill_(torch.nan)
    refused("is NaN", generator.save_pretrained, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_without_huggingface_hub_files_are_read_and_its_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    file = tiny_weights(tmp_path / "a.safetensors")
    assert isinstance(Generator.from_pretrained(file), Generator)
    words = r"pip install 'farfill\[hub\]'"
    refused(words, Generator(2).save_pretrained, tmp_path / "b")
    refused(words, Generator(2).push_to_hub, "me/holes")
    refused(words, Generator.from_pretrained, "me/holes")
    assert not (tmp_path / "b").exists()


def test_huggingface_hub_is_imported_when_it_is_needed():
    code = "import sys, farfill; farfill.Generator(2); print('huggingface_hub' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "False"
    assert farfill.Generator.push_to_hub
