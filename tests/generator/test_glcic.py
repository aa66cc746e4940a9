"""GLCIC's completion network against its paper's table."""

import pytest
import torch
from torch import nn

from farfill import Generator
from farfill.generator.glcic import GLCIC
from helpers.holes import box_holes

#: Kernel, stride, dilation and outputs of every layer; a stride of 1/2 doubles the resolution.
TABLE = [
    (5, 1, 1, 64),
    (3, 2, 1, 128),
    (3, 1, 1, 128),
    (3, 2, 1, 256),
    (3, 1, 1, 256),
    (3, 1, 1, 256),
    (3, 1, 2, 256),
    (3, 1, 4, 256),
    (3, 1, 8, 256),
    (3, 1, 16, 256),
    (3, 1, 1, 256),
    (3, 1, 1, 256),
    (4, 1 / 2, 1, 128),
    (3, 1, 1, 128),
    (4, 1 / 2, 1, 64),
    (3, 1, 1, 32),
    (3, 1, 1, 3),
]


def inputs(n: int = 2, height: int = 32, width: int = 40) -> tuple[torch.Tensor, torch.Tensor]:
    hole = box_holes(height, width, *((4 + 2 * i, 8, 16, 16 + 3 * i) for i in range(n)))
    return (torch.rand(n, 3, height, width) * 2 - 1) * (1 - hole), hole


def test_layers_are_those_of_the_paper():
    rows = []
    for layer in GLCIC(64).modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            stride = layer.stride[0]
            stride = 1 / stride if isinstance(layer, nn.ConvTranspose2d) else stride
            rows.append((layer.kernel_size[0], stride, layer.dilation[0], layer.out_channels))
    assert rows == TABLE


def test_every_layer_but_the_last_is_normalised_and_rectified():
    layers = [m for m in GLCIC(4).modules() if not list(m.children())]
    kinds = [type(layer) for layer in layers]
    assert kinds.count(nn.BatchNorm2d) == kinds.count(nn.ReLU) == len(TABLE) - 1
    assert kinds[-2:] == [nn.Conv2d, nn.Tanh]
    assert kinds[1:-2:3] == [nn.BatchNorm2d] * 16


def test_one_stage_without_attention_and_every_pixel_is_predicted():
    completion = GLCIC(4)(*inputs())
    assert completion.coarse is completion.refined
    assert completion.offsets is None
    assert completion.refined.shape == (2, 3, 32, 40)
    assert 0 < completion.refined.abs().max() <= 1


@torch.no_grad()
def test_the_hole_is_seen_and_one_serves_all():
    generator = GLCIC(4)
    image, hole = inputs()
    same = generator(image, hole[:1]).refined
    assert torch.equal(same, generator(image, hole[:1].expand(2, -1, -1, -1)).refined)
    assert not torch.allclose(same[1], generator(image, hole).refined[1])


@torch.no_grad()
def test_pictures_influence_each_other_in_training_only():
    generator = GLCIC(4).double()
    image, hole = (x.double() for x in inputs())
    together, alone = generator(image, hole).refined, generator(image[1:], hole[1:]).refined
    assert not torch.allclose(together[1:], alone)
    generator.eval()
    together, alone = generator(image, hole).refined, generator(image[1:], hole[1:]).refined
    torch.testing.assert_close(together[1:], alone)


@torch.no_grad()
def test_a_critics_turn_moves_the_running_means_and_no_weight():
    generator = GLCIC(4)
    weights = [p.clone() for p in generator.parameters()]
    means = {name: b.clone() for name, b in generator.named_buffers() if "running_mean" in name}
    generator(*inputs())
    assert all(map(torch.equal, weights, generator.parameters()))
    moved = dict(generator.named_buffers())
    assert not any(torch.equal(moved[name], mean) for name, mean in means.items())


@pytest.mark.parametrize("channels", [8, 16, 32])
def test_widened_it_has_as_many_parameters_as_the_papers_generator(channels):
    sizes = [
        sum(p.numel() for p in generator.parameters())
        for generator in (GLCIC(channels, 1.5), Generator(channels))
    ]
    assert 0.93 < sizes[0] / sizes[1] <= 1
    assert GLCIC(channels, 1.5).layers[0][0].out_channels == 1.5 * channels


@pytest.mark.parametrize("channels", [0, 3])
def test_refuses_odd_widths(channels):
    with pytest.raises(ValueError, match="even"):
        GLCIC(channels)


def test_refuses_a_factor_that_is_none():
    with pytest.raises(ValueError, match="expected `widen` above 0, got 0"):
        GLCIC(2, 0)


def test_refuses_shapes_that_do_not_fit():
    with pytest.raises(ValueError, match="multiples of 4, got 30 x 32"):
        GLCIC(2)(torch.zeros(1, 3, 30, 32), torch.zeros(1, 1, 30, 32))
