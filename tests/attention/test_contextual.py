"""Contextual attention against the authors' code, a plain twin, and its own symmetries."""

import ast
import inspect
from typing import Any

import pytest
import torch
from torch.overrides import TorchFunctionMode

from farfill import ContextualAttention
from farfill.attention import plain, similarity
from farfill.attention.plain import PlainContextualAttention
from farfill.op.colour import flow_to_colour
from farfill.op.spatial import resize_nearest
from helpers.holes import box_holes
from helpers.vectors import REFERENCE, Vectors

CASES = sorted(path.stem for path in REFERENCE.glob("att_*.npz"))


def parameters(vectors: Vectors) -> dict[str, Any]:
    given = vectors.params
    return {
        "patch_size": given["ksize"],
        "propagation": given["fuse_k"] if given["fuse"] else None,
        **{name: given[name] for name in ("rate", "stride", "softmax_scale")},
    }


@pytest.mark.parametrize("kind", [ContextualAttention, PlainContextualAttention])
@pytest.mark.parametrize("case", CASES)
def test_equals_the_authors_code(case, kind, dtype):
    vectors = Vectors(case, dtype)
    hole = vectors.image("mask") if "mask" in vectors else None
    foreground, background = vectors.image("f"), vectors.image("b")
    layer = kind(**parameters(vectors))
    # The authors share one hole among the samples.
    result = layer(foreground, background, hole)
    attention = layer.attend(foreground, background, hole).flatten(3)

    assert (result.features - vectors.image("y")).abs().max() <= 1e-5
    assert (attention.amax(-1) - vectors.tensor("attention_max")).abs().max() <= 1e-4
    assert (attention.sum(-1) - vectors.tensor("attention_sum")).abs().max() <= 1e-4
    sure = vectors.tensor("argmax_margin") > 1e-4
    same = (result.offsets == vectors.tensor("offset_rel").permute(0, 3, 1, 2)).all(1)
    assert same[sure].all()
    assert sure.float().mean() > 0.2 or case == "att_all_masked"


@pytest.mark.parametrize("case", CASES)
def test_coloured_flow_equals_the_authors_picture(case):
    vectors = Vectors(case)
    offsets = vectors.tensor("offset_rel").permute(0, 3, 1, 2)
    flow = vectors.image("flow")
    picture = resize_nearest(flow_to_colour(offsets), *flow.shape[-2:])
    # The authors scale a picture by the longest offset so far in its batch, we by its own.
    longest = offsets.double().norm(dim=1).amax((1, 2))
    same = longest == longest.cummax(0).values
    assert same[0]
    torch.testing.assert_close(picture[same], flow[same], atol=1e-6, rtol=0)


SWITCHES = [
    {"stride": 2},
    {"stride": 3, "propagation": None},
    {"stride": 2, "rate": 1, "patch_size": 1},
    {"stride": 2, "rate": 3, "propagation": 5},
    {"patch_size": 2},
    {"patch_size": 5, "softmax_scale": 3.0},
    {"rate": 3},
    {"patch_size": 4, "propagation": 9, "rate": 1},
]


BANDS = [None, 1, 2, 5]


def in_bands(monkeypatch, rows):
    """All rows at once, or a few at a time."""
    if rows is not None:
        monkeypatch.setitem(similarity.BAND_BYTES, "cpu", 1)
        monkeypatch.setattr(similarity, "LEAST_ROWS", rows)


@pytest.mark.parametrize("switches", SWITCHES, ids=str)
def test_equals_the_plain_twin_with_any_switch_and_band(switches, monkeypatch):
    chosen = {"patch_size": 3, "rate": 2, "stride": 1, "propagation": 3, "softmax_scale": 10.0}
    chosen |= switches
    foreground = torch.randn(2, 3, 13, 10, dtype=torch.float64)
    background = torch.randn(2, 3, 11, 14, dtype=torch.float64)
    hole = box_holes(11, 14, (2, 3, 4, 6), (5, 0, 6, 4), dtype=torch.float64)
    features, offsets = PlainContextualAttention(**chosen)(foreground, background, hole)
    for rows in BANDS:
        in_bands(monkeypatch, rows)
        result = ContextualAttention(**chosen)(foreground, background, hole)
        torch.testing.assert_close(result.features, features)
        assert torch.equal(result.offsets, offsets)


@pytest.mark.parametrize("rows", BANDS)
def test_gradients_reach_both_inputs_and_are_right(rows, monkeypatch):
    in_bands(monkeypatch, rows)
    foreground = torch.randn(1, 2, 6, 8, dtype=torch.float64, requires_grad=True)
    background = torch.randn(1, 2, 8, 6, dtype=torch.float64, requires_grad=True)
    hole = box_holes(8, 6, (2, 2, 2, 2), dtype=torch.float64)
    layer = ContextualAttention(softmax_scale=1.0)
    assert torch.autograd.gradcheck(
        lambda f, b: layer(f, b, hole).features, (foreground, background)
    )


def test_memory_grows_with_the_area_and_not_with_its_square():
    """A band computes some rows of its neighbours, too, here 11 rows for 4."""

    class Largest(TorchFunctionMode):
        bytes = 0

        def __torch_function__(self, func, types, args=(), kwargs=None):
            out = func(*args, **(kwargs or {}))
            for tensor in out if isinstance(out, tuple | list) else [out]:
                if isinstance(tensor, torch.Tensor):
                    self.bytes = max(self.bytes, tensor.untyped_storage().nbytes())
            return out

    features = torch.randn(1, 2, 160, 160)  # 6400 positions: all similarities are 164 MB
    with Largest() as seen, torch.no_grad():
        ContextualAttention()(features, features, None)
    assert seen.bytes < 4 * similarity.BAND_BYTES["cpu"]


def test_weights_too_small_for_a_float_do_no_harm():
    """Denormal numbers are avoided on processors: nothing else may change."""
    features = torch.randn(1, 16, 16, 16) * 3
    sharp = ContextualAttention(softmax_scale=100.0)
    attention = sharp.attend(features, features, None)
    assert ((attention == 0) | (attention > 1e-37)).all()
    exact = sharp.attend(features.double(), features.double(), None)
    torch.testing.assert_close(attention.double(), exact, atol=1e-3, rtol=0)


def test_products_in_bfloat16_borrow_nearly_the_same():
    generator = torch.Generator().manual_seed(0)
    features = torch.randn(1, 32, 32, 32, generator=generator)
    hole = box_holes(32, 32, (8, 8, 16, 16))
    exact = ContextualAttention()(features, features, hole)
    with torch.autocast("cpu", torch.bfloat16):
        half = ContextualAttention()(features, features, hole)
    assert (half.offsets == exact.offsets).float().mean() > 0.95
    known = resize_nearest(hole, 16, 16)[0, 0] == 0
    assert (half.offsets == exact.offsets)[0][:, known].all()


def test_empty_patches_have_finite_gradients():
    """The root in the patch norm has no derivative at zero (the norm's floor hides it)."""
    features = torch.zeros(1, 2, 8, 8, requires_grad=True)
    ContextualAttention()(features, features, None).features.sum().backward()
    assert features.grad.isfinite().all()


def test_masked_patches_keep_their_share_of_the_softmax():
    """Trap 5: a logit of 0, not of minus infinity, so attention sums to less than 1."""
    features = torch.randn(1, 4, 16, 16)
    hole = box_holes(16, 16, (4, 4, 8, 8))
    total = ContextualAttention().attend(features * 1e-3, features * 1e-3, hole).sum((3, 4))
    assert (total < 0.9).all()
    assert (total > 0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rate": 0}, "`rate`"),
        ({"patch_size": 0}, "`patch_size`"),
        ({"stride": -1}, "`stride`"),
        ({"propagation": 2}, "`propagation`"),
    ],
)
@pytest.mark.parametrize("kind", [ContextualAttention, PlainContextualAttention])
def test_refuses_parameters_out_of_range(kind, change, message):
    with pytest.raises(ValueError, match=message):
        kind(**change)


def test_the_plain_twin_is_at_most_40_lines_of_code():
    source = inspect.getsource(plain)
    aside: set[int] = set()  # imports and docstrings
    for node in ast.walk(ast.parse(source)):
        text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if text or isinstance(node, ast.Import | ast.ImportFrom):
            aside |= {*range(node.lineno, node.end_lineno + 1)}
    lines = [line.strip() for n, line in enumerate(source.splitlines(), 1) if n not in aside]
    assert 0 < len([line for line in lines if line and line[0] != "#"]) <= 40
