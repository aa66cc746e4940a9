"""Files that are not good checkpoints end in one sentence, and none can execute code."""

import pickle
import random
from contextlib import suppress
from copy import deepcopy
from functools import partial
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch
from torch import nn

from farfill import Generator, load_generator
from farfill.checkpoint import config_of, load_weights, read_checkpoint
from helpers.fuzz import attempt
from helpers.tiny import tiny_checkpoint
from helpers.weights import tiny_weights

GENERATOR = {"_target_": "farfill.generator.two_stage.Generator", "channels": 2}


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
    path = save(tiny_checkpoint())
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
    writer({**tiny_checkpoint(), "more": Bomb(made)}, path)
    refused(path, "not a whole checkpoint")
    assert not made.exists()
    with suppress(RuntimeError):
        torch.load(path, weights_only=False)  # the bomb is a real one
    assert made.exists()


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999])
def test_half_a_file_is_refused(save, share):
    path = save(tiny_checkpoint())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    refused(path, "not a whole checkpoint")


@pytest.mark.parametrize(
    "other",
    [
        [1, 2, 3],
        {"state_dict": {}},
        tiny_checkpoint(farfill=None),
        tiny_checkpoint(farfill={"generator": "Generator"}),
        tiny_checkpoint(state_dict={"generator.weight": 3}),
        tiny_checkpoint(global_step="many"),
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
        ({"_target_": {"deep": ["x" * 90] * 90}}, r"networks, not \{'deep': \['x{1,70}$"),
        ({"_target_": f"farfill.attention.none.{'x' * 900}"}, r"needs farfill.{1,80}, which"),
        ({**GENERATOR, "depth": 3}, "does not fit this version"),
        ({**GENERATOR, "channels": 4}, "of another configuration"),
    ],
)
def test_what_a_checkpoint_may_build(save, generator, words):
    refused(save(tiny_checkpoint(farfill={"generator": generator})), words)


def test_what_only_promises_its_size_is_refused(save, tmp_path):
    path = save({**tiny_checkpoint(), "more": torch.zeros(10**6)})
    with ZipFile(path) as source, ZipFile(tmp_path / "b.ckpt", "w", ZIP_DEFLATED) as packed:
        for part in source.infolist():
            packed.writestr(part.filename, source.read(part))
    refused(tmp_path / "b.ckpt", "promises more bytes than it has")
    name = next(iter(tiny_checkpoint()["state_dict"]))
    many = tiny_checkpoint()["state_dict"] | {name: torch.zeros(1).expand(10**12)}
    refused(save(tiny_checkpoint(state_dict=many)), "not one of Farfill")


def test_a_flipped_bit_is_refused_or_changes_nothing(tmp_path, save):
    """All over the file, and in every byte of its directory, which has no checksum."""
    whole = bytearray(save(tiny_checkpoint()).read_bytes())
    good = read_checkpoint(tmp_path / "a.ckpt")
    draw = random.Random(1)
    directory = whole.index(b"PK\1\2")
    places = draw.sample(range(directory), 400) + draw.sample(range(directory, len(whole)), 400)
    refusals = 0
    for place in places:
        damaged, path = bytearray(whole), tmp_path / "b.ckpt"
        damaged[place] ^= 1 << draw.randrange(8)
        path.write_bytes(damaged)
        read = attempt(partial(read_checkpoint, path), str(path))
        if read is None:
            refusals += 1
            continue
        assert read["farfill"] == good["farfill"], place
        assert read["global_step"] == good["global_step"], place
        assert read["state_dict"].keys() == good["state_dict"].keys(), place
        for name, value in read["state_dict"].items():
            assert torch.equal(value, good["state_dict"][name]), (place, name)
    print(f"{len(places)} bits flipped, {refusals} refused, the others in padding")
    assert refusals > len(places) / 2


def test_a_part_that_a_flipped_bit_calls_a_folder_is_refused(save):
    """PyTorch gives memory that nobody wrote for it, and all checksums are right."""
    path = save(tiny_checkpoint())
    whole = bytearray(path.read_bytes())
    whole[whole.rindex(b"PK\1\2", 0, whole.rindex(b"a/data/9")) + 38] ^= 0x10
    path.write_bytes(whole)
    refused(path, r"a\.ckpt is damaged", read_checkpoint)


def test_a_flipped_bit_of_a_weight_is_refused(save):
    weights = tiny_checkpoint()["state_dict"]
    value = next(iter(weights.values())).flatten()[0]
    path = save(tiny_checkpoint(state_dict=weights))
    whole = bytearray(path.read_bytes())
    whole[whole.index(value.numpy().tobytes()) + 3] ^= 0x40
    path.write_bytes(whole)
    refused(path, r"a\.ckpt is damaged: .*best\.ckpt", read_checkpoint)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_weight_that_is_no_number_is_named(save, value):
    weights = tiny_checkpoint()["state_dict"]
    name = sorted(weights)[3]
    weights[name].view(-1)[-1] = value
    path = save(tiny_checkpoint(state_dict=weights))
    refused(path, rf"the weight {name} in .*a\.ckpt is NaN or infinite", read_checkpoint)


def test_whole_numbers_are_no_weights(save):
    weights = tiny_checkpoint()["state_dict"]
    name = sorted(weights)[3]
    weights[name] = weights[name].long()
    path = save(tiny_checkpoint(state_dict=weights))
    refused(path, rf"the weight {name} in .*a\.ckpt is of torch\.int64, not of torch\.float32")


def test_settings_that_refer_to_others_are_refused_and_not_shown(save, monkeypatch):
    monkeypatch.setenv("SECRET", "a1b2")
    farfill = {"generator": GENERATOR, "config": {"data": [{"root": "x/${oc.env:SECRET}"}]}}
    path = save(tiny_checkpoint(farfill=farfill))
    with pytest.raises(ValueError, match=r"setting config\.data\.0\.root does") as error:
        read_checkpoint(path)
    assert not any(word in str(error.value) for word in ("a1b2", "oc.env", "SECRET"))


@pytest.mark.parametrize("channels", [10**6, 10**9, 2**62])
def test_a_width_that_no_memory_holds_is_refused(save, channels):
    generator = {**GENERATOR, "channels": channels}
    refused(save(tiny_checkpoint(farfill={"generator": generator})), "a.ckpt")


def test_lists_that_hold_themselves_or_each_other_too_often_are_refused(save):
    itself = []
    itself.append(itself)
    billions = ["x"]
    for _ in range(40):
        billions = [billions, billions]
    for value in (itself, billions):
        farfill = {"generator": GENERATOR, "config": value}
        refused(save(tiny_checkpoint(farfill=farfill)), "not one of Farfill")


CONFIG = {
    "data": {"_target_": "farfill.data.sample.Sample"},
    "mask": {"_target_": "farfill.mask.box.Box"},
    "seed": 1,
    "image_size": 32,
    "box_size": 16,
    "datamodule": {"val_holes": None, "val_limit": None},
}


def test_the_configuration_is_given_back():
    assert config_of(tiny_checkpoint(farfill={"config": CONFIG}), "a.ckpt") is CONFIG


FOREIGN = (
    "os.system farfill.data.sample.find_spec farfill.data.listing.Path farfill.mask.no.No "
    "farfill.mask.folder.no farfill.files.atomic eval"
)


@pytest.mark.parametrize("target", [*FOREIGN.split(), 3, None])
@pytest.mark.parametrize("place", ["data", "mask", "val_holes", "nested"])
def test_an_evaluation_builds_only_farfills_data_and_masks(target, place):
    config, forged = deepcopy(CONFIG), {"_target_": target, "command": "touch made"}
    if place == "val_holes":
        config["datamodule"]["val_holes"] = forged
    elif place == "nested":
        config["data"]["root"] = [{"more": forged}]
    else:
        config[place] = forged
    with pytest.raises(ValueError, match=r"a\.ckpt may name Farfill's data and masks, not "):
        config_of(tiny_checkpoint(farfill={"config": config}), "a.ckpt")


@pytest.mark.parametrize("missing", CONFIG)
def test_an_incomplete_configuration_is_refused(missing):
    config = {name: value for name, value in CONFIG.items() if name != missing}
    for farfill in ({"config": config}, {"config": 3}, {}):
        with pytest.raises(ValueError, match=r"a\.ckpt does not say how its run was configured"):
            config_of(tiny_checkpoint(farfill=farfill), "a.ckpt")


def test_a_missing_file_is_named(tmp_path):
    refused(tmp_path / "none.ckpt", "there is no file .*none.ckpt")
    refused(tmp_path, "is none")


def test_load_weights_takes_both_networks_or_refuses(save):
    module = nn.Module()
    module.generator, module.critics = Generator(channels=2), nn.Linear(2, 1)
    weights = {k: v + 1 for k, v in module.state_dict().items()}
    load_weights(module, save(tiny_checkpoint(state_dict=weights)))
    for name, value in module.state_dict().items():
        assert torch.equal(value, weights[name])
    path = save(tiny_checkpoint())  # without critics
    refused(path, "of another configuration", lambda path: load_weights(module, path))


def test_load_weights_of_a_generator_alone_leaves_the_critics(tmp_path):
    module = nn.Module()
    module.generator, module.critics = Generator(channels=2), nn.Linear(2, 1)
    before = {name: value.clone() for name, value in module.critics.state_dict().items()}
    trained = Generator(channels=2)
    load_weights(module, tiny_weights(tmp_path / "a.safetensors", trained))
    for name, value in module.generator.state_dict().items():
        assert torch.equal(value, trained.state_dict()[name].half().float())
    assert all(torch.equal(module.critics.state_dict()[name], before[name]) for name in before)
    module.generator = Generator(channels=4)
    words = r"a\.safetensors are of another .*generator=two_stage generator\.channels=2 attention="
    refused(tmp_path / "a.safetensors", words, lambda path: load_weights(module, path))
