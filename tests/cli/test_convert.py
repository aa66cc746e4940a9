"""Weights from a checkpoint, or from the authors' variables, by the command."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest
import torch

from farfill import Generator, load_generator
from farfill.cli.convert import main
from helpers.command import called
from helpers.tiny import tiny_checkpoint
from helpers.vectors import REFERENCE, Vectors
from helpers.weights import tiny_weights

AUTHORS = REFERENCE / "generator_cnum8_weights.npz"


@pytest.fixture
def convert(tmp_path, monkeypatch, capfd):
    """Run the command in an empty folder: exit status, standard output, standard error."""
    monkeypatch.chdir(tmp_path)
    return partial(called, main, capfd)


def parity(out):
    """The differences that were printed: coarse, refined."""
    return [float(text) for text in re.findall(r"within (\S+?),", out)]


def test_a_checkpoint_becomes_weights_that_say_what_they_are(convert, tmp_path):
    checkpoint = tiny_checkpoint()
    torch.save(checkpoint, "best.ckpt")
    status, out, err = convert("best.ckpt", "-o", "a.safetensors")
    assert (status, err) == (0, "")
    assert "a.safetensors: 15,042 numbers, 0.0 MB, sha256 " in out
    assert len(parity(out)) == 2
    assert all(0 < value < 1e-3 for value in parity(out))
    loaded = load_generator("a.safetensors").state_dict()
    for name, value in loaded.items():
        assert torch.equal(value, checkpoint["state_dict"][f"generator.{name}"].half().float())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "best.ckpt"]


@torch.no_grad()
def test_the_authors_weights_complete_as_theirs_with_red_first(convert):
    status, out, err = convert(AUTHORS, "-o", "a.safetensors")
    assert (status, err) == (0, "")
    assert len(parity(out)) == 2
    assert all(value < 2e-5 for value in parity(out))  # these weights have few bits
    vectors = Vectors("generator_cnum8_64x64")
    completion = load_generator("a.safetensors")(vectors.image("x").flip(1), vectors.image("mask"))
    for got, name in ((completion.coarse, "x_stage1"), (completion.refined, "x_stage2")):
        torch.testing.assert_close(got.flip(1), vectors.image(name), rtol=0, atol=2e-5)


def test_parity_is_measured_with_what_was_written(convert, monkeypatch):
    """A conversion that loses something shows."""
    tiny_weights("a.safetensors", Generator(2))
    write = "farfill.cli.convert.write_weights"
    monkeypatch.setattr(write, lambda path, config, weights: tiny_weights(path, Generator(2)))
    _, out, _ = convert("a.safetensors", "-o", "b.safetensors")
    assert min(parity(out)) > 1e-2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("none.ckpt", "-o", "b.safetensors"), "there is no file none.ckpt"),
        (("a.safetensors", "-o", "b.pt"), "expected -o to name a .safetensors file, got b.pt"),
        (("a.safetensors", "-o", "a.safetensors"), "a.safetensors exists already"),
        (("a.npz", "-o", "b.safetensors"), "missing inpaint_net/conv1/bias"),
        (("odd.npz", "-o", "b.safetensors"), "positive even number, got 3"),
        (("nan.npz", "-o", "b.safetensors"), "is NaN"),
    ],
)
def test_what_cannot_be_converted_is_one_line_and_nothing_is_written(
    convert, tmp_path, arguments, words
):
    before = tiny_weights(tmp_path / "a.safetensors").read_bytes()
    arrays = dict(Vectors("generator_cnum8_weights").arrays)
    np.savez("nan.npz", **arrays | {"inpaint_net/conv1/bias": np.full(8, np.nan, np.float32)})
    np.savez("odd.npz", **arrays | {"inpaint_net/conv1/bias": np.zeros(3, np.float32)})
    del arrays["inpaint_net/conv1/bias"]
    np.savez("a.npz", **arrays)
    status, out, err = convert(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("farfill: ")
    assert words in err
    assert err.count("\n") == 1
    assert (tmp_path / "a.safetensors").read_bytes() == before
    assert not list(tmp_path.glob("b.*"))
