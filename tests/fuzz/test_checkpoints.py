"""Checkpoints that are damaged, forged or malicious: a generator or one line, and no code runs."""

import copy
import io
import pickle
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import torch
from hypothesis import strategies as st
from torch import nn

from farfill import Generator, load_generator
from farfill.checkpoint import load_weights
from helpers.fuzz import attempt, fuzz
from helpers.malformed import damaged
from helpers.tiny import tiny_checkpoint


@cache
def contents() -> dict[str, Any]:
    """What a small good checkpoint holds."""
    checkpoint = tiny_checkpoint()
    attention = {"_target_": "farfill.attention.contextual.ContextualAttention", "rate": 2}
    checkpoint["farfill"]["generator"]["attention"] = attention
    return checkpoint


def saved(checkpoint: object, **options: object) -> bytes:
    """The bytes of its file."""
    stream = io.BytesIO()
    torch.save(checkpoint, stream, **options)
    return stream.getvalue()


whole = cache(lambda: saved(contents()))


class Touch:
    """Unpickling it makes a file ``made`` in the present folder."""

    def __reduce__(self) -> tuple:
        return (Path.touch, (Path("made"),))


class Run(Touch):
    """Unpickling it runs a command."""

    def __reduce__(self) -> tuple:
        import os

        return (os.system, ("touch made",))


def _itself() -> list:
    one: list = []
    one.append(one)
    return one


def _billions() -> list:
    one: list = ["x"]
    for _ in range(40):
        one = [one, one]
    return one


def _deep(depth: int) -> dict:
    one: dict = {}
    for _ in range(depth):
        one = {"_target_": "farfill.generator.two_stage.Generator", "attention": one}
    return one


_TARGETS = (
    "os.system farfill.generator.two_stage.nn farfill.attention.shift.Shift "
    "farfill.generator.glcic.GLCIC farfill.attention.stn.SpatialTransformer "
    "farfill.attention.similarity.band farfill.generator.coarse_only.CoarseOnly"
)
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([0, -2, 3, 10**6, 10**9, 2**62, 2**70, True])
)
strange = st.one_of(
    st.none(),
    numbers,
    st.text(max_size=10),
    st.binary(max_size=10),
    st.lists(st.integers(), max_size=3),
    st.dictionaries(st.text(max_size=5), st.integers()),
    st.builds(_itself),
    st.builds(_billions),
    st.integers(0, 300).map(_deep),
    st.sampled_from(_TARGETS.split()),
)


@st.composite
def tensors(draw: st.DrawFn, like: torch.Tensor) -> Any:
    """Something else for a weight."""
    match draw(st.integers(0, 9)):
        case 0:
            return torch.full_like(like, draw(st.sampled_from([torch.nan, torch.inf, 1e38])))
        case 1:
            kinds = [torch.int64, torch.bool, torch.complex64, torch.float16, torch.float64]
            return like.to(draw(st.sampled_from(kinds)))
        case 2:
            return torch.zeros(draw(st.lists(st.integers(0, 5), max_size=5)))
        case 3:
            return like.to_sparse()
        case 4:
            return like.to("meta")
        case 5:  # one number that says it is many
            return torch.zeros(1).expand(draw(st.sampled_from([like.shape, (10**12,)])))
        case 6:
            return nn.Parameter(like)
        case 7:
            return torch.quantize_per_tensor(like.float(), 0.1, 0, torch.qint8)
        case 8:
            return like.flatten()[:0]
        case _:
            return draw(strange)


@st.composite
def described(draw: st.DrawFn) -> dict[str, Any]:
    """A checkpoint of which something that is no weight is missing or another."""
    checkpoint = copy.deepcopy(contents())
    generator = checkpoint["farfill"]["generator"]
    match draw(st.integers(0, 4)):
        case 0:
            checkpoint[draw(st.sampled_from(sorted(checkpoint)))] = draw(strange)
        case 1:
            del checkpoint[draw(st.sampled_from(sorted(checkpoint)))]
        case 2:
            checkpoint["farfill"]["generator"] = draw(strange)
        case 3:
            generator[draw(st.sampled_from([*generator, "more"]))] = draw(strange)
        case _:
            names = ["_target_", "patch_size", "rate", "stride", "propagation", "softmax_scale", ""]
            generator["attention"][draw(st.sampled_from(names))] = draw(strange)
    return checkpoint


@st.composite
def weighted(draw: st.DrawFn) -> dict[str, Any]:
    """A checkpoint of which a weight is missing or another, or that holds code."""
    checkpoint = copy.deepcopy(contents())
    weights = checkpoint["state_dict"]
    name = draw(st.sampled_from(sorted(weights)))
    match draw(st.integers(0, 4)):
        case 0:
            del weights[name]
        case 1:
            weights[draw(st.one_of(st.text(max_size=9), numbers))] = torch.ones(1)
        case 2:
            bomb = draw(st.sampled_from([Touch(), Run(), nn.Linear(1, 1), Path, eval]))
            checkpoint[draw(st.text(max_size=5))] = bomb
        case _:
            weights[name] = draw(tensors(weights[name]))
    return checkpoint


@st.composite
def forged(draw: st.DrawFn) -> bytes:
    """A file that was written as a good one is, or as others are, with another content."""
    checkpoint = draw(st.one_of(described(), weighted()))
    match draw(st.integers(0, 5)):
        case 0:
            return pickle.dumps(checkpoint, protocol=2)
        case 1:
            return saved(checkpoint, _use_new_zipfile_serialization=False)
        case _:
            return saved(checkpoint)


@st.composite
def archives(draw: st.DrawFn) -> bytes:
    """A good checkpoint's parts, packed otherwise."""
    stream = io.BytesIO()
    compression = draw(st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
    skipped = draw(st.integers(-10, 100))
    with (
        zipfile.ZipFile(io.BytesIO(whole())) as source,
        zipfile.ZipFile(stream, "w", compression) as made,
    ):
        for number, part in enumerate(source.infolist()):
            content = source.read(part)
            if number == skipped:
                content = draw(st.one_of(damaged(content), st.just(bytes(10**6))))
            if number != skipped - 1 or draw(st.booleans()):
                made.writestr(part.filename, content)
    return stream.getvalue()


@st.composite
def legacy(draw: st.DrawFn) -> bytes:
    """Pickles and other files that are no archives."""
    foreign = st.one_of(strange, st.builds(Touch), st.builds(Run))
    return draw(
        st.one_of(
            foreign.map(pickle.dumps),
            st.binary(max_size=100),
            st.just(b""),
            st.binary(max_size=30).map(lambda rest: b"PK\x03\x04" + rest),
            foreign.map(lambda one: saved(one, _use_new_zipfile_serialization=False)),
            st.just(saved(Generator(channels=2))),
        )
    )


def check(folder: Path, read: Any) -> Any:
    """What is read, or None if it is refused in one line; no code in it has run."""
    path = folder / "a.ckpt"
    result = attempt(lambda: read(path), str(path))
    assert not Path("made").exists()
    return result


damages = st.deferred(lambda: damaged(whole()))
KINDS = st.one_of(damages, forged(), forged(), archives(), legacy())


@fuzz(500, KINDS)
def test_a_generator_or_one_line(folder, case):
    (folder / "a.ckpt").write_bytes(case)
    generator = check(folder, load_generator)
    if generator is not None:
        assert not generator.training
        assert isinstance(generator, nn.Module)
        assert all(value.isfinite().all() for value in generator.state_dict().values())
        kinds = {value.dtype for value in generator.state_dict().values()}
        assert kinds <= {torch.float32, torch.int64}


@fuzz(300, KINDS)
def test_weights_or_one_line(folder, case):
    (folder / "a.ckpt").write_bytes(case)
    module = nn.Module()
    module.generator, module.critics = Generator(channels=2), nn.Module()
    before = {name: value.shape for name, value in module.state_dict().items()}
    check(folder, lambda path: load_weights(module, path))
    assert {name: value.shape for name, value in module.state_dict().items()} == before
