"""Files of weights are small and whole, say what they belong to, and are refused otherwise."""

from __future__ import annotations

import json
import random
import struct
from functools import partial

import pytest
import torch
from safetensors.torch import load_file, save_file

from farfill import Generator, load_generator
from farfill.checkpoint import read_checkpoint
from farfill.generator.glcic import GLCIC
from farfill.weights.file import pack, write_weights
from farfill.weights.publish import configuration
from helpers.fuzz import attempt
from helpers.weights import tiny_weights

CONFIG = configuration(Generator(channels=2))


@pytest.fixture
def path(tmp_path):
    return tiny_weights(tmp_path / "a.safetensors")


def refused(path, words, read=load_generator):
    with pytest.raises(ValueError, match=words) as error:
        read(path)
    assert "\n" not in str(error.value)


def test_what_comes_back_is_what_was_saved_but_for_its_rounding(tmp_path):
    generator = Generator(channels=2)
    loaded = load_generator(tiny_weights(tmp_path / "a.safetensors", generator))
    assert not loaded.training
    for name, value in loaded.state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, generator.state_dict()[name].half().float())


def test_a_generator_of_the_papers_width_takes_less_than_8_mb():
    generator = Generator()
    packed = pack(configuration(generator), generator.state_dict())
    assert 7.2e6 < len(packed) < 7.3e6


def test_equal_weights_make_equal_files(path, tmp_path):
    generator = load_generator(path)
    for number in range(4):
        again = tiny_weights(tmp_path / f"{number}.safetensors", generator)
        assert again.read_bytes() == path.read_bytes()


def test_any_program_reads_the_numbers_and_the_configuration(path):
    weights = load_file(path)
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert weights.keys() == Generator(channels=2).state_dict().keys()
    (length,) = struct.unpack("<Q", path.read_bytes()[:8])
    header = json.loads(path.read_bytes()[8 : 8 + length])
    assert json.loads(header["__metadata__"]["farfill"])["generator"] == CONFIG


def test_counts_stay_whole_numbers(tmp_path):
    network = GLCIC(4)
    network.train()(torch.rand(2, 3, 16, 16), torch.ones(1, 1, 16, 16))
    config = {"_target_": "farfill.generator.glcic.GLCIC", "channels": 4}
    write_weights(tmp_path / "a.safetensors", config, network.state_dict())
    state = load_generator(tmp_path / "a.safetensors").state_dict()
    counts = [value for name, value in state.items() if name.endswith("num_batches_tracked")]
    assert counts
    assert all(value == 1 and value.dtype == torch.int64 for value in counts)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 65520.0])
def test_what_float16_cannot_have_is_refused_and_the_old_file_stays(path, value):
    before, weights = path.read_bytes(), Generator(channels=2).state_dict()
    name = sorted(weights)[3]
    weights[name].view(-1)[-1] = value
    refused(path, f"the weight {name} is NaN", lambda path: write_weights(path, CONFIG, weights))
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.999])
def test_half_a_file_of_weights_is_refused(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, r"a\.safetensors is not a whole file of weights")


def test_a_flipped_bit_of_a_file_of_weights_is_refused(path):
    """All over the header, whose spaces at the end alone do not count, and the numbers."""
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[:8])
    header = len(whole[: 8 + length].rstrip(b" "))
    draw = random.Random(1)
    numbers = range(8 + length, len(whole))
    for place in (*range(16), *draw.sample(range(header), 500), *draw.sample(numbers, 300)):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        assert attempt(partial(read_checkpoint, path), str(path)) is None, place


def forged(path, config=CONFIG, **changes):
    """A file that has the checksum of what is in it."""
    weights = {**Generator(channels=2).state_dict(), **changes}
    write_weights(path, config, weights)
    return path


def test_whole_numbers_are_no_weights_in_such_a_file_either(tmp_path):
    name, value = next(iter(Generator(channels=2).state_dict().items()))
    path = forged(tmp_path / "a.safetensors", **{name: value.long()})
    refused(path, rf"the weight generator\.{name} in .*a\.safetensors is of torch\.int64")


def test_a_weight_that_is_no_number_is_named_though_the_checksum_is_right(path, monkeypatch):
    weights = Generator(channels=2).state_dict()
    name = sorted(weights)[3]
    weights[name].view(-1)[-1] = torch.nan
    monkeypatch.setattr("farfill.weights.file._half", lambda name, value: value)
    write_weights(path, CONFIG, weights)
    refused(path, rf"the weight generator\.{name} in .*a\.safetensors is NaN or infinite")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"_target_": "os.system", "command": "touch made"}, "may name Farfill's networks"),
        ({**CONFIG, "channels": 4}, r"own settings, generator=two_stage generator\.channels=4"),
        ({**CONFIG, "channels": 10**9}, r"a\.safetensors"),
        ({**CONFIG, "channels": "${oc.env:HOME}"}, "may not refer to other values"),
        (["Generator"], "not one of Farfill"),
    ],
)
def test_what_such_a_file_may_build(tmp_path, config, words):
    refused(forged(tmp_path / "a.safetensors", config), words)


@pytest.mark.parametrize("metadata", [None, {"farfill": "3"}, {"format": "pt"}])
def test_other_programs_weights_are_refused(path, metadata):
    save_file(load_file(path), path, metadata)
    refused(path, "has weights, but not those of a generator of Farfill")


def test_a_file_without_its_checksum_is_refused(path):
    save_file(load_file(path), path, {"farfill": json.dumps({"generator": CONFIG})})
    refused(path, r"a\.safetensors is damaged")
