"""Layers in the form that is exported compute what they stand for."""

import pytest
import torch

from farfill import ContextualAttention, Generator
from farfill.attention.plain import PlainContextualAttention
from farfill.attention.shift import Shift
from farfill.attention.stn import SpatialTransformer
from farfill.export.network import (
    Network,
    PlainDoubling,
    WholeContextualAttention,
    WholeShift,
)
from farfill.generator.glcic import GLCIC
from farfill.layer.convolution import DoublingConv2d
from helpers.holes import box_holes


def features_and_hole(height=16, width=24):
    torch.manual_seed(0)
    return torch.randn(2, 5, height, width), box_holes(height, width, (4, 6, 5, 8), (0, 1, 3, 9))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"rate": 1, "patch_size": 2},
        {"rate": 4, "stride": 2},
        {"rate": 3, "patch_size": 1},
        {"propagation": None},
        {"propagation": 5, "stride": 3, "softmax_scale": 3.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [ContextualAttention, PlainContextualAttention])
def test_the_whole_attention_is_the_banded_one(kind, options):
    features, hole = features_and_hole()
    whole = WholeContextualAttention(kind(**options))(features, features, hole)
    expected = ContextualAttention(**options)(features, features, hole)
    torch.testing.assert_close(whole.features, expected.features, atol=2e-5, rtol=0)


def test_nothing_known_gives_zeros():
    features, hole = features_and_hole()
    for layer in (WholeContextualAttention(ContextualAttention()), WholeShift(Shift(1))):
        assert not layer(features, features, torch.ones_like(hole)).features.any()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_the_whole_shift_is_the_banded_one(size):
    features, hole = features_and_hole()
    whole = WholeShift(Shift(size))(features, features, hole)
    assert torch.equal(whole.features, Shift(size)(features, features, hole).features)


def test_plain_doubling_is_the_fast_one():
    layer, features = DoublingConv2d(5, 3), features_and_hole()[0]
    torch.testing.assert_close(PlainDoubling(layer)(features), layer(features))


@torch.no_grad()
@pytest.mark.parametrize("generator", [Generator(2), GLCIC(2)], ids=["two_stage", "glcic"])
def test_the_network_completes_as_the_generator(generator):
    torch.manual_seed(0)
    image = torch.rand(2, 3, 32, 40) * 2 - 1
    mask = box_holes(32, 40, (8, 8, 16, 16), (0, 20, 9, 20))
    completion = generator.eval()(image * (1 - mask), mask)
    found = Network(generator)(torch.where(mask > 0, torch.nan, image), mask / 4)
    torch.testing.assert_close(found, completion.completed(image, mask))
    assert torch.equal(found[(mask == 0).expand_as(found)], image[(mask == 0).expand_as(found)])


def test_sides_are_multiples_of_eight_and_of_the_attentions_grid():
    rates = {1: 8, 2: 8, 3: 24, 4: 16}
    for rate, multiple in rates.items():
        assert Network(Generator(2, ContextualAttention(rate=rate))).multiple == multiple
    assert Network(Generator(2, Shift(1))).multiple == Network(GLCIC(2)).multiple == 8


def test_what_pools_to_a_fixed_size_is_refused():
    with pytest.raises(ValueError, match="attention=stn cannot be exported for pictures of any"):
        Network(Generator(2, SpatialTransformer(2)))
