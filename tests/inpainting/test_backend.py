"""Other runtimes predict the same; each test states by how much they are off."""

import numpy as np
import pytest
import torch
from torch import nn

import farfill
from farfill.attention.none import NoAttention
from farfill.inpainting.backend import SplitGenerator
from farfill.inpainting.predictor import Predictor
from helpers.holes import hole_of

CASES = [
    ("openvino", "float32", ("openvino",), 1e-4),
    ("openvino", "bf16", ("openvino",), 0.05),
    ("onnx", "float32", ("onnxruntime", "onnxscript"), 1e-4),
]


def case() -> tuple[nn.Module, np.ndarray, np.ndarray]:
    torch.manual_seed(0)
    missing = hole_of(64, 72, (20, 10, 20, 40))
    known = np.random.default_rng(0).uniform(-1, 1, (64, 72, 3)).astype(np.float32)
    known[missing] = 0
    return farfill.Generator(channels=8).eval(), known, missing


def in_torch(module, example):
    """No translation at all."""
    return lambda *inputs: tuple(x) if isinstance(x := module(*inputs), tuple) else (x,)


@pytest.mark.parametrize(("backend", "precision", "libraries", "error"), CASES)
def test_a_backend_predicts_the_same(backend, precision, libraries, error):
    for library in libraries:
        pytest.importorskip(library, reason=f"{library} is an optional extra")
    generator, known, missing = case()
    expected, offsets = Predictor(generator)(known, missing)
    picture, places = Predictor(generator, precision=precision, backend=backend)(known, missing)
    assert picture.dtype == torch.float32
    inside = torch.from_numpy(missing).expand(3, -1, -1)
    off = (picture - expected)[inside].abs().max()
    assert off < error
    assert precision == "float32" or off > 0
    assert (places == offsets).float().mean() > 0.9


def test_the_two_pieces_and_the_attention_are_the_generator():
    generator, known, missing = case()
    masked, hole = torch.from_numpy(known).permute(2, 0, 1)[None], torch.from_numpy(missing)
    hole = hole.float()[None, None]
    with torch.no_grad():
        expected, split = generator(masked, hole), SplitGenerator(generator, in_torch)(masked, hole)
    torch.testing.assert_close(split.coarse, expected.coarse)
    torch.testing.assert_close(split.refined, expected.refined)
    assert torch.equal(split.offsets, expected.offsets)


def test_the_last_few_sizes_are_kept():
    split = SplitGenerator(farfill.Generator(channels=2).eval(), in_torch)
    sides = [16, 24, 32, 40, 48, 24]
    with torch.no_grad():
        for side in sides:
            split(torch.zeros(1, 3, side, side), torch.ones(1, 1, side, side))
    assert [size[-1] for size in split.translated] == [32, 40, 48, 24]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backend": "tensorrt"}, "expected `backend` to be torch or openvino or onnx"),
        ({"backend": "openvino", "compile": True}, "goes with device=cpu and compile=false only"),
        ({"backend": "onnx", "precision": "bf16"}, "computes in float32 only"),
        ({"precision": "int8"}, "expected `precision` to be float32 or bf16, got 'int8'"),
    ],
)
def test_what_does_not_go_together_is_one_sentence(options, message):
    with pytest.raises(ValueError, match=message):
        Predictor(case()[0], **options)


def test_other_generators_are_refused():
    with pytest.raises(ValueError, match="with an attention only; say backend=torch"):
        SplitGenerator(farfill.Generator(channels=4, attention=NoAttention()), in_torch)


def test_a_missing_library_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "openvino", None)
    with pytest.raises(ValueError, match=r"needs openvino: pip install 'farfill\[openvino\]'"):
        Predictor(case()[0], backend="openvino")
