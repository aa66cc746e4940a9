"""The joint critic."""

import pytest
import torch
from torch import nn

from farfill.critic.joint import Joint
from farfill.gan.wgan_gp import WassersteinGP


def test_layers_are_those_of_the_paper():
    """At the paper's sizes 4 x 4 x 512 values enter each linear layer."""
    critics = Joint(64, image_size=256, patch_size=128)
    for name, widths in (
        ("local", [64, 128, 256, 512, 512]),
        ("global", [64, 128, 256, 512, 512, 512]),
    ):
        layers = list(critics.networks[name])
        convolutions = [layer for layer in layers if isinstance(layer, nn.Conv2d)]
        assert [layer.out_channels for layer in convolutions] == widths
        assert {(layer.kernel_size, layer.stride) for layer in convolutions} == {((5, 5), (2, 2))}
        linear = next(layer for layer in layers if isinstance(layer, nn.Linear))
        assert (linear.in_features, linear.out_features) == (4 * 4 * 512, 1024)
    assert (critics.score.in_features, critics.score.out_features) == (2048, 1)


def random_views(n: int = 3) -> dict[str, torch.Tensor]:
    return {"global": torch.rand(n, 3, 16, 16), "local": torch.rand(n, 3, 8, 8)}


def test_one_score_depends_on_both_views_in_any_order():
    critics = Joint(4, image_size=16, patch_size=8)
    views = {name: view.requires_grad_() for name, view in random_views().items()}
    scores = critics(views)
    assert set(scores) == {"joint"}
    assert scores["joint"].shape == (3, 1)
    gradients = torch.autograd.grad(scores["joint"].sum(), list(views.values()))
    assert all(gradient.abs().sum() > 0 for gradient in gradients)
    turned = critics(dict(reversed(views.items())))["joint"]
    assert torch.equal(turned, scores["joint"])


def test_an_objective_that_scores_views_alone_is_refused_in_one_sentence():
    critics = Joint(2, image_size=16, patch_size=8)
    hole = {name: torch.ones_like(view[:, :1]) for name, view in random_views().items()}
    with pytest.raises(ValueError, match=r"gan=vanilla\) or critic=local_global") as error:
        WassersteinGP(0.001, 1.0, 10.0, 1).critic_terms(
            critics, random_views(), random_views(), hole
        )
    assert "\n" not in str(error.value)
