"""Files that are not good checkpoints end in one sentence, and none can execute code."""

from __future__ import annotations

import pickle
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from torch import nn

from farfill import Generator, load_generator
from farfill.checkpoint import load_weights, read_checkpoint

GENERATOR = {"_target_": "farfill.generator.two_stage.Generator", "channels": 2}


def contents(**changes):
    weights = {f"generator.{k}": v for k, v in Generator(channels=2).state_dict().items()}
    whole = {"farfill": {"generator": GENERATOR}, "state_dict": weights, "generator_steps": 7}
    return {**whole, **changes}


@pytest.fixture
def save(tmp_path):
    def save(checkpoint) -> Path:
        torch.save(checkpoint, tmp_path / "a.ckpt")
        return tmp_path / "a.ckpt"

    return save


def refused(path, words, read=load_generator):
    with pytest.raises(ValueError, match=words) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_a_good_one_is_read(save):
    path = save(contents())
    generator = load_generator(path)
    assert not generator.training
    weights = read_checkpoint(path)["state_dict"]
    for name, value in generator.state_dict().items():
        assert torch.equal(value, weights[f"generator.{name}"])


class Bomb:
    """Unpickling it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize("writer", [torch.save, lambda x, path: path.write_bytes(pickle.dumps(x))])
def test_code_in_a_file_is_not_run(tmp_path, writer):
    path, made = tmp_path / "a.ckpt", tmp_path / "made"
    writer({**contents(), "more": Bomb(made)}, path)
    refused(path, "not a whole checkpoint")
    assert not made.exists()
    with suppress(RuntimeError):
        torch.load(path, weights_only=False)  # the bomb is a real one
    assert made.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_half_a_file_is_refused(save, share):
    path = save(contents())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, "not a whole checkpoint")


@pytest.mark.parametrize(
    "other",
    [
        [1, 2, 3],
        {"state_dict": {}},
        contents(farfill=None),
        contents(farfill={"generator": "Generator"}),
        contents(state_dict={"generator.weight": 3}),
        contents(generator_steps="many"),
    ],
)
def test_other_programs_checkpoints_are_refused(save, other):
    refused(save(other), "not one of Farfill")


@pytest.mark.parametrize(
    ("generator", "words"),
    [
        ({"_target_": "os.system", "command": "true"}, "may name Farfill's networks"),
        ({"_target_": "farfill.generator.two_stage.load_generator"}, "does not have"),
        ({"_target_": "farfill.attention.nowhere.Nothing"}, "does not have"),
        ({"_target_": "farfill.generator.two_stage.dataclass"}, "does not have|may name"),
        ({"_target_": "farfill.attention.contextual.ContextualAttention"}, "to hold a Generator"),
        ({**GENERATOR, "depth": 3}, "does not fit this version"),
        ({**GENERATOR, "channels": 4}, "of another configuration"),
    ],
)
def test_what_a_checkpoint_may_build(save, generator, words):
    refused(save(contents(farfill={"generator": generator})), words)


def test_a_missing_file_is_named(tmp_path):
    refused(tmp_path / "none.ckpt", "none.ckpt is none")
    refused(tmp_path, "is none")


def test_load_weights_takes_both_networks_or_refuses(save):
    module = nn.Module()
    module.generator, module.critics = Generator(channels=2), nn.Linear(2, 1)
    weights = {k: v + 1 for k, v in module.state_dict().items()}
    load_weights(module, save(contents(state_dict=weights)))
    for name, value in module.state_dict().items():
        assert torch.equal(value, weights[name])
    path = save(contents())  # without critics
    refused(path, "of another configuration", lambda path: load_weights(module, path))
