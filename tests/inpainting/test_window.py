"""Rectangles that cover the holes, and the parts of a stack's output in them."""

import numpy as np
import pytest
import torch
from torch import nn

from farfill.generator.two_stage import conv_elu, decoder, dilated
from farfill.inpainting.window import Part, Span, Window, cover, needed, run_part
from farfill.layer.convolution import SameConv2d
from helpers.holes import hole_of

STACKS = {
    "encoder": lambda: nn.Sequential(
        conv_elu(3, 4, kernel=5), conv_elu(4, 4, stride=2), conv_elu(4, 6, stride=2), dilated(6)
    ),
    "decoder": lambda: decoder(3, 4),
    "even kernel": lambda: nn.Sequential(SameConv2d(3, 4, 4, 3), nn.ReLU()),
}


@pytest.mark.parametrize("name", STACKS)
def test_a_part_is_that_of_the_whole(name):
    torch.manual_seed(0)
    layers = STACKS[name]().double()
    features = torch.randn(2, 3, 21, 26, dtype=torch.float64)
    whole = layers(features)
    height, width = whole.shape[-2:]
    for rows in ((0, height), (0, 1), (height - 1, height), (height // 3, height // 2)):
        for columns in ((0, width), (1, 2), (width - 2, width)):
            window = Window(Span(*rows), Span(*columns))
            part = run_part(layers, Part.whole(features), window)
            expected = Part.whole(whole).cut(window).values
            torch.testing.assert_close(part.values, expected)
            assert part.size == (height, width)


@pytest.mark.parametrize("name", STACKS)
def test_what_is_said_to_be_needed_is_enough_and_not_too_much(name):
    torch.manual_seed(0)
    layers = STACKS[name]().double()
    features = torch.randn(1, 3, 80, 96, dtype=torch.float64, requires_grad=True)
    whole = layers(features)
    height, width = whole.shape[-2:]
    window = Window(
        Span(height // 2, height // 2 + height // 40 + 2), Span(width // 2 + 1, width // 2 + 3)
    )
    inside = Part.whole(whole).cut(window).values
    (gradient,) = torch.autograd.grad(inside.sum(), features)
    rows, columns = needed(layers, window, (80, 96))
    touched = gradient[0].abs().sum(0) > 0
    assert not touched[: rows.start].any()
    assert not touched[rows.stop :].any()
    assert not touched[:, : columns.start].any()
    assert not touched[:, columns.stop :].any()
    assert (rows.stop - rows.start) * (columns.stop - columns.start) < 4 * touched.sum()
    cut = Part.whole(features.detach()).cut(Window(rows, columns))
    torch.testing.assert_close(run_part(layers, cut, window).values, inside)


def test_an_unknown_layer_is_refused():
    with pytest.raises(ValueError, match="cannot run a part of BatchNorm2d"):
        needed(nn.Sequential(nn.BatchNorm2d(3)), Window(Span(0, 1), Span(0, 1)), (4, 4))


def with_margin(window: Window, margin: int = 0) -> float:
    rows, columns = window
    return (rows.stop - rows.start + margin) * (columns.stop - columns.start + margin)


def test_one_hole_is_its_bounding_box():
    hole = hole_of(300, 400, (17, 33, 80, 5), (60, 33, 7, 90))
    assert cover(hole, with_margin) == [Window(Span(17, 97), Span(33, 123))]


def test_far_holes_stay_apart_and_near_ones_are_joined():
    hole = hole_of(300, 400, (0, 0, 20, 20), (280, 380, 20, 20))
    assert len(cover(hole, with_margin)) == 2
    assert cover(hole, lambda window: with_margin(window, 1000)) == [
        Window(Span(0, 300), Span(0, 400))
    ]


@pytest.mark.parametrize("seed", range(5))
def test_every_missing_pixel_is_covered_and_nothing_beyond_the_picture(seed):
    rng = np.random.default_rng(seed)
    hole = rng.random((123, 217)) < 0.001
    hole[rng.integers(123), rng.integers(217)] = True
    found = cover(hole, lambda window: with_margin(window, 30))
    covered = np.zeros_like(hole)
    for (top, bottom), (left, right) in found:
        assert 0 <= top < bottom <= 123
        assert 0 <= left < right <= 217
        covered[top:bottom, left:right] = True
    assert covered[hole].all()
