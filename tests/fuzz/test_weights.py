"""Files of weights that are damaged or forged: a generator or one line."""

from __future__ import annotations

import copy
import json
from functools import cache

import torch
from hypothesis import strategies as st
from safetensors.torch import save
from torch import nn

from farfill import Generator, load_generator
from farfill.weights.file import pack
from farfill.weights.publish import configuration
from helpers.fuzz import attempt, fuzz
from helpers.malformed import damaged

KINDS = [torch.int64, torch.bool, torch.complex64, torch.bfloat16, torch.float64]


@cache
def network() -> Generator:
    return Generator(channels=2)


whole = cache(lambda: pack(configuration(network()), network().state_dict()))
words = st.sampled_from(
    [
        "os.system",
        "farfill.generator.two_stage.nn",
        "farfill.attention.shift.Shift",
        "farfill.attention.contextual.ContextualAttention",
        "farfill.generator.coarse_only.CoarseOnly",
        "${oc.env:HOME}",
    ]
)
numbers = st.one_of(st.integers(), st.floats(), st.sampled_from([-2, 4, 10**6, 10**9, 2**62]))
strange = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=9), words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.one_of(st.just("_target_"), st.text(max_size=5)), inner, max_size=3),
    ),
    max_leaves=9,
)


@st.composite
def forged(draw: st.DrawFn) -> bytes:
    """Another configuration or another weight, with the checksum that belongs to it."""
    config = copy.deepcopy(configuration(network()))
    weights = dict(network().state_dict())
    name = draw(st.sampled_from(sorted(weights)))
    match draw(st.integers(0, 5)):
        case 0:
            config = draw(strange)
        case 1:
            config[draw(st.sampled_from([*config, "more"]))] = draw(strange)
        case 2:
            part = draw(st.sampled_from([*config["attention"], "more"]))
            config["attention"][part] = draw(strange)
        case 3:
            del weights[name]
        case 4:
            weights[draw(st.text(max_size=9))] = torch.ones(1)
        case _:
            shapes = st.lists(st.integers(0, 5), max_size=4)
            changed = [weights[name].to(draw(st.sampled_from(KINDS))), torch.ones(draw(shapes))]
            weights[name] = draw(st.sampled_from(changed))
    return pack(config, weights)


@st.composite
def described(draw: st.DrawFn) -> bytes:
    """The weights, and a description that is none."""
    text = draw(st.one_of(st.text(max_size=9), strange.map(json.dumps), st.just("[" * 10**5)))
    return save(network().state_dict(), {"farfill": text})


damages = st.deferred(lambda: damaged(whole()))


@fuzz(400, st.one_of(damages, damages, forged(), forged(), described(), st.binary(max_size=99)))
def test_weights_alone_make_a_generator_or_one_line(folder, case):
    path = folder / "a.safetensors"
    path.write_bytes(case)
    generator = attempt(lambda: load_generator(path), str(path))
    if generator is not None:
        assert isinstance(generator, nn.Module)
        assert all(value.isfinite().all() for value in generator.state_dict().values())
        assert {value.dtype for value in generator.state_dict().values()} == {torch.float32}
