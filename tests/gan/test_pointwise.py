"""Objectives without a penalty, against their textbook forms."""

import pytest
import torch
import torch.nn.functional as F

from farfill.gan.hinge import Hinge
from farfill.gan.lsgan import LSGAN
from farfill.gan.none import NoGAN
from farfill.gan.vanilla import Vanilla

REAL, FAKE = (torch.randn(6, 1, generator=torch.Generator().manual_seed(s)) * 3 for s in (0, 1))
ONE, ZERO = torch.ones(6, 1), torch.zeros(6, 1)


def cross_entropy(score, target):
    return F.binary_cross_entropy(score.double().sigmoid(), target.double()).float()


TEXTBOOK = {
    Vanilla: (cross_entropy(REAL, ONE), cross_entropy(FAKE, ZERO), cross_entropy(FAKE, ONE)),
    LSGAN: (F.mse_loss(REAL, ONE) / 2, F.mse_loss(FAKE, ZERO) / 2, F.mse_loss(FAKE, ONE) / 2),
    Hinge: (
        sum(max(0.0, 1 - x) for x in REAL.flatten().tolist()) / 6,
        sum(max(0.0, 1 + x) for x in FAKE.flatten().tolist()) / 6,
        -FAKE.mean(),
    ),
}


def critics(views):
    """Scores are the views; the global critic is shifted, so that a mix-up shows."""
    return {name: view + (10 if name == "global" else 0) for name, view in views.items()}


@pytest.mark.parametrize("objective", TEXTBOOK)
def test_terms_are_the_textbooks(objective):
    gan = objective(0.5, 3.0, 1)
    real, fake = ({"local": x, "global": x - 10} for x in (REAL, FAKE))
    real_loss, fake_loss, generator_loss = TEXTBOOK[objective]
    terms = gan.critic_terms(critics, real, fake, {})
    assert set(terms) == {"real_local", "real_global", "fake_local", "fake_global"}
    for name in ("local", "global"):
        torch.testing.assert_close(terms[f"real_{name}"], torch.as_tensor(real_loss))
        torch.testing.assert_close(terms[f"fake_{name}"], torch.as_tensor(fake_loss))
    terms = gan.generator_terms(critics, fake)
    torch.testing.assert_close(terms["adversarial_local"], torch.as_tensor(0.5 * generator_loss))
    torch.testing.assert_close(terms["adversarial_global"], torch.as_tensor(1.5 * generator_loss))


@pytest.mark.parametrize("objective", TEXTBOOK)
def test_both_players_pull_in_opposite_directions(objective):
    gan = objective(1.0, 1.0, 1)
    score = torch.zeros(1, requires_grad=True)
    directions = []
    for loss in (gan.real_loss, gan.fake_loss, gan.generator_loss):
        (gradient,) = torch.autograd.grad(loss(score + 0.1).sum(), score)
        directions.append(gradient.sign().item())
    assert directions == [-1, 1, -1]


def test_vanilla_survives_confident_critics():
    score = torch.tensor([-1e4, 1e4], requires_grad=True)
    loss = Vanilla(1.0, 1.0, 1).fake_loss(score).sum()
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.equal(score.grad, torch.tensor([0.0, 1.0]))


@pytest.mark.parametrize("steps", [0, -1])
def test_critics_that_never_learn_are_refused(steps):
    with pytest.raises(ValueError, match=f"1 or more, got {steps}; gan=none trains without"):
        Vanilla(1.0, 1.0, steps)


def test_a_weight_of_a_score_that_is_not_there_is_refused():
    def joint(views):
        return {"joint": views["local"] + views["global"]}

    fake = {"local": FAKE, "global": FAKE}
    assert set(Vanilla(1.0, 1.0, 1).generator_terms(joint, fake)) == {"adversarial_joint"}
    with pytest.raises(ValueError, match=r"of 1, got 0\.5: these critics score joint"):
        Vanilla(1.0, 0.5, 1).generator_terms(joint, fake)


def test_none_has_no_critic_steps_and_no_terms():
    gan = NoGAN()
    assert gan.critic_steps == 0
    assert gan.critic_terms(critics, {}, {}, {}) == gan.generator_terms(critics, {}) == {}
