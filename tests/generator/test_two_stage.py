"""The generator against the authors' code."""

import pytest
import torch

from farfill import Generator, load_tensorflow_generator
from farfill.op.colour import flow_to_colour
from farfill.op.spatial import resize_nearest
from helpers.holes import box_holes
from helpers.vectors import Vectors


@pytest.fixture
def vectors(dtype):
    return Vectors("generator_cnum8_64x64", dtype)


@pytest.fixture
def generator(vectors, dtype):
    generator = Generator(channels=vectors.params["cnum"])
    return load_tensorflow_generator(generator, Vectors("generator_cnum8_weights").arrays).to(dtype)


@torch.no_grad()
def test_equals_the_authors_code(generator, vectors):
    completion = generator(vectors.image("x"), vectors.image("mask"))
    assert (completion.coarse - vectors.image("x_stage1")).abs().max() <= 2e-5
    assert (completion.refined - vectors.image("x_stage2")).abs().max() <= 2e-5
    sure = vectors.tensor("argmax_margin") > 1e-3
    same = (completion.offsets == vectors.tensor("offset_rel").permute(0, 3, 1, 2)).all(1)
    assert same[sure].all()
    assert sure.any()
    flow = resize_nearest(flow_to_colour(completion.offsets), *vectors.image("flow").shape[-2:])
    if same.all():
        # Of the second picture the authors' colours are paler: its range is the first one's.
        assert (flow - vectors.image("flow"))[0].abs().max() <= 1 / 127.5


@torch.no_grad()
def test_attention_branch_equals_the_authors_code(generator, vectors):
    """Trap 3: the hole is reduced in two steps, first to the features' size."""
    seen = {}

    def spy(module, inputs, output):
        seen.update(features=inputs[0], hole=inputs[2], result=output.features)

    generator.refinement.attention.register_forward_hook(spy)
    generator(vectors.image("x"), vectors.image("mask"))
    assert torch.equal(seen["hole"][:1], vectors.image("attention_mask"))
    for name, end in (("features", "in"), ("result", "out")):
        expected = vectors.image(f"attention_{end}")
        torch.testing.assert_close(seen[name][:, :32], expected, atol=2e-5, rtol=0)


def test_has_the_authors_number_of_parameters():
    generator = Generator()
    refinement = generator.refinement
    parts = (generator, generator.coarse, refinement.dilated_branch, refinement.decoder)
    counts = [sum(p.numel() for p in part.parameters()) for part in parts]
    assert counts == [3_601_542, 1_448_227, 880_480, 576_867]


@torch.no_grad()
def test_every_sample_has_its_own_hole():
    """Trap 6: a port applies the first sample's hole to the whole batch."""
    generator = Generator(channels=4).double()
    image = torch.rand(2, 3, 64, 64, dtype=torch.float64) * 2 - 1
    hole = box_holes(64, 64, (8, 8, 22, 22), (30, 20, 30, 30), dtype=torch.float64)
    together = generator(image * (1 - hole), hole)
    alone = generator((image * (1 - hole))[1:], hole[1:])
    torch.testing.assert_close(together.refined[1:], alone.refined)


@torch.no_grad()
def test_completed_keeps_the_known_region_bit_for_bit():
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    hole = box_holes(32, 32, (4, 4, 16, 16))
    completion = Generator(channels=4)(image * (1 - hole), hole)
    completed = completion.completed(image, hole)
    known = (hole == 0).expand_as(image)
    assert torch.equal(completed[known], image[known])
    assert torch.equal(completed[~known], completion.refined[~known])


def test_refinement_losses_reach_the_coarse_stage():
    """Trap 18: there is no stop-gradient between the stages."""
    generator = Generator(channels=4)
    hole = box_holes(32, 32, (8, 8, 16, 16))
    generator(torch.rand(1, 3, 32, 32) * (1 - hole), hole).refined.sum().backward()
    assert next(generator.coarse.parameters()).grad.abs().sum() > 0


def test_outputs_are_clipped():
    generator = Generator(channels=4)
    with torch.no_grad():
        for parameter in generator.parameters():
            parameter.mul_(20)
        completion = generator(torch.randn(1, 3, 32, 32), torch.zeros(1, 1, 32, 32))
    assert completion.coarse.abs().max() == 1
    assert completion.refined.abs().max() == 1


@pytest.mark.parametrize(
    ("image", "hole", "message"),
    [
        ((1, 3, 30, 32), (1, 1, 30, 32), "multiples of 4, got 30 x 32"),
        ((1, 3, 32, 32), (1, 32, 32), "expected a hole"),
        ((2, 3, 32, 32), (3, 1, 32, 32), "expected a hole"),
        ((1, 4, 32, 32), (1, 1, 32, 32), "expected pictures"),
    ],
)
def test_refuses_shapes_that_do_not_fit(image, hole, message):
    with pytest.raises(ValueError, match=message):
        Generator(channels=2)(torch.zeros(image), torch.zeros(hole))


def test_refuses_odd_widths():
    with pytest.raises(ValueError, match="even"):
        Generator(channels=3)
