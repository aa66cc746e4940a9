"""Perceptual, style and total variation losses, with features that can be worked out by hand."""

import pytest
import torch

from farfill.loss.perceptual import Perceptual
from farfill.loss.style import Style, gram
from farfill.loss.total_variation import TotalVariation
from farfill.types import Completion
from helpers.compose import composed


def features(image):
    """The picture itself, and twice its every second pixel."""
    return [image, 2 * image[..., ::2, ::2]]


def test_perceptual_is_the_mean_distance_of_every_layer(batch, completion):
    painted = completion.completed(batch.image, batch.hole)
    expected = sum(
        (one - other).abs().mean()
        for one, other in zip(features(painted), features(batch.image), strict=True)
    )
    (value,) = Perceptual(0.5, features)(completion, batch).values()
    torch.testing.assert_close(value, 0.5 * expected)


def test_the_authors_legacy_weights_have_names():
    cfg = composed("loss=[perceptual_legacy,style_legacy]").loss
    assert {name: loss.weight for name, loss in cfg.items()} == {"perceptual": 0.01, "style": 50}


def test_gram_counts_what_occurs_together():
    maps = torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])  # two channels, two places
    expected = torch.tensor([[[1 + 4.0, 3 + 8.0], [3 + 8.0, 9 + 16.0]]]) / 4
    assert torch.equal(gram(maps), expected)


def test_style_forgets_where_things_are(batch, completion):
    mirrored = Completion(completion.coarse, batch.image.flip(3), None)
    everything = batch._replace(hole=torch.ones_like(batch.hole))
    (value,) = Style(3.0, lambda image: [image])(mirrored, everything).values()
    assert value.abs() < 1e-6
    (other,) = Style(3.0, lambda image: [image])(completion, everything).values()
    expected = 3 * (gram(completion.refined) - gram(batch.image)).abs().mean()
    torch.testing.assert_close(other, expected)
    assert other > 1e-3


def slow_variation(image, hole):
    total = torch.zeros(())
    for step in ((1, 0), (0, 1)):
        for one, missing in zip(image, hole[:, 0], strict=True):
            pairs = []
            for y in range(12 - step[0]):
                for x in range(16 - step[1]):
                    if missing[y, x] or missing[y + step[0], x + step[1]]:
                        pairs.append((one[:, y, x] - one[:, y + step[0], x + step[1]]).abs().mean())
            total = total + torch.stack(pairs).mean() / len(image)
    return total


def test_total_variation_counts_pairs_that_touch_the_hole(batch, completion):
    painted = completion.completed(batch.image, batch.hole)
    (value,) = TotalVariation(0.1)(completion, batch).values()
    torch.testing.assert_close(value, 0.1 * slow_variation(painted, batch.hole))


@pytest.mark.parametrize(
    "loss", [Perceptual(1.0, features), Style(1.0, features), TotalVariation(1.0)]
)
def test_gradients_reach_the_hole_of_the_refined_picture_alone(loss, batch, completion):
    (value,) = loss(completion, batch).values()
    value.backward()
    assert completion.coarse.grad is None
    assert completion.refined.grad.abs().sum() > 0
    assert not (completion.refined.grad * (1 - batch.hole)).any()


@pytest.mark.parametrize("loss", [Perceptual(1.0, features), Style(1.0, features)])
def test_the_original_costs_nothing(loss, batch):
    (value,) = loss(Completion(batch.image, batch.image, None), batch).values()
    assert value == 0
