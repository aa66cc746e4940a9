"""Both reconstruction losses, against loops over single pixels."""

import numpy as np
import pytest
import torch

from farfill.loss.discounted_l1 import GAMMA, DiscountedL1, spatial_discount
from farfill.loss.known_l1 import KnownL1
from farfill.types import Completion
from helpers.vectors import Vectors


@pytest.mark.parametrize("key", Vectors("spatial_discounting_mask").arrays)
def test_discount_equals_the_authors_mask(key):
    expected = Vectors("spatial_discounting_mask").array(key)[0, :, :, 0]
    gamma = float(key.split("gamma")[1])
    weights = spatial_discount(torch.ones(1, 1, *expected.shape), gamma)[0, 0]
    assert np.abs(weights.numpy() - expected).max() <= 1e-7


def test_discount_moves_with_the_box_and_is_not_symmetric():
    """Trap 17: the first row weighs 1, the last gamma."""
    region = torch.zeros(1, 1, 20, 24)
    region[..., 4:12, 6:20] = 1
    weights = spatial_discount(region, 0.5)
    alone = spatial_discount(torch.ones(1, 1, 8, 14), 0.5)
    assert torch.equal(weights[..., 4:12, 6:20], alone)
    assert weights.sum() == alone.sum()
    # Far from the sides, where rows decide:
    assert alone[0, 0, :, 7].tolist() == [1, 0.5, 0.25, 0.125, 0.0625, 0.125, 0.25, 0.5]


def test_discount_of_any_region_is_a_power_of_the_distance():
    region = torch.zeros(1, 1, 9, 9)
    region[..., 4, 1:8] = 1  # a line one pixel thick: all of it touches the known region
    region[..., 0, 0] = 1
    assert torch.equal(spatial_discount(region, 0.5), region)


@pytest.mark.parametrize("gamma", ["released", "printed", "plain"])
@pytest.mark.parametrize("side", [16, 32, 64])
def test_a_named_discount_follows_the_box_and_a_number_does_not(gamma, side):
    paper = spatial_discount(torch.ones(1, 1, 128, 128), GAMMA[gamma])[0, 0]
    loss = DiscountedL1(gamma, 1.0, 1.0, box_size=side)
    here = spatial_discount(torch.ones(1, 1, side, side), loss.gamma)[0, 0]
    step = 128 // side
    torch.testing.assert_close(here, paper[::step, ::step])  # the centre among them
    assert DiscountedL1(gamma, 1.0, 1.0, box_size=128).gamma == GAMMA[gamma]
    assert DiscountedL1(0.9, 1.0, 1.0, box_size=side).gamma == 0.9


def test_discounted_l1_compares_raw_outputs_in_the_whole_box(batch, completion):
    """Trap 8: not the merged pictures, not the shrunk hole; the mean is over all elements."""
    terms = DiscountedL1(0.9, coarse=2.0, refined=3.0)(completion, batch)
    for stage, weight in (("coarse", 2.0), ("refined", 3.0)):
        total = 0.0
        for n, (top, left, height, width) in enumerate(batch.box.tolist()):
            for i in range(height):
                for j in range(width):
                    discount = max(0.9 ** min(i, height - i), 0.9 ** min(j, width - j))
                    where = (n, slice(None), top + i, left + j)
                    difference = (batch.image[where] - getattr(completion, stage)[where]).abs()
                    total += discount * difference.sum().item()
        expected = weight * total / (2 * 3 * 6 * 8)
        assert terms[f"discounted_l1_{stage}"].item() == pytest.approx(expected, rel=1e-5)


def test_known_l1_is_divided_by_the_known_fraction(batch, completion):
    """Trap 9."""
    terms = KnownL1(coarse=1.0, refined=2.0)(completion, batch)
    for stage, weight in (("coarse", 1.0), ("refined", 2.0)):
        difference = (batch.image - getattr(completion, stage)).abs() * (1 - batch.hole)
        expected = weight * difference.mean() / (1 - batch.hole).mean()  # equal areas here
        torch.testing.assert_close(terms[f"known_l1_{stage}"], expected)


def test_every_picture_weighs_the_same_whatever_its_hole(batch, completion):
    small = batch._replace(region=batch.region.clone())
    small.region[1] = 0
    small.region[1, :, 5:7, 7:9] = 1
    loss = DiscountedL1(1.0, 0.0, 1.0)
    both = loss(completion, small)["discounted_l1_refined"]
    alone = []
    for one, part in zip(small.split(1), completion.refined.split(1), strict=True):
        alone.append(loss(Completion(part, part, None), one)["discounted_l1_refined"])
    torch.testing.assert_close(both, torch.stack(alone).mean())


def test_gamma_has_names():
    assert DiscountedL1("plain", 1, 1).gamma == 1
    assert DiscountedL1("released", 1, 1).gamma == 0.9
    assert DiscountedL1("printed", 1, 1).gamma == 0.99
    for wrong in ("papers", 0.0, 1.5):
        with pytest.raises(ValueError, match="gamma"):
            DiscountedL1(wrong, 1, 1)


def test_a_weight_of_zero_removes_the_term(batch, completion):
    assert set(DiscountedL1(0.9, 1.0, 0.0)(completion, batch)) == {"discounted_l1_coarse"}
    assert set(KnownL1(0.0, 1.0)(completion, batch)) == {"known_l1_refined"}
