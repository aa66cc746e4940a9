"""WGAN-GP against the authors' code and in closed form."""

from functools import partial

import pytest
import torch
from torch.nn.functional import leaky_relu

from farfill.checkpoint import read_checkpoint
from farfill.critic.protocol import by_autograd
from farfill.gan.wgan_gp import WassersteinGP, gradient_penalty
from helpers.runs import tiny_train
from helpers.vectors import REFERENCE, Vectors

CASES = sorted(path.stem for path in REFERENCE.glob("wgan_gp_*.npz"))


@pytest.mark.parametrize("case", CASES)
def test_equals_the_authors_code(case, dtype):
    vectors = Vectors(case, dtype)
    w1, w2 = (vectors.tensor(name).requires_grad_() for name in ("w1", "w2"))
    b1, b2 = vectors.tensor("b1"), vectors.tensor("b2")
    slope = vectors.params["leaky_slope"]

    def score(image):
        flat = image.permute(0, 2, 3, 1).flatten(1)
        return leaky_relu(flat @ w1 + b1, slope) @ w2 + b2

    real, fake = vectors.image("x_real"), vectors.image("x_fake")
    alpha = vectors.tensor("alpha")[..., None, None]
    ones = torch.ones_like(real[:, :1])
    hole = vectors.image("mask") if "mask" in vectors else ones
    between = real + alpha * (fake - real)
    torch.testing.assert_close(
        score(between).detach(), vectors.tensor("d_interpolates"), rtol=1e-5, atol=1e-6
    )

    gradient_of = partial(by_autograd, score)
    masked = gradient_penalty(gradient_of, real, fake, hole, alpha)
    close = {"rtol": 1e-5, "atol": 1e-7}
    torch.testing.assert_close(masked.detach(), vectors.tensor("penalty_masked"), **close)
    whole = gradient_penalty(gradient_of, real, fake, ones, alpha)
    torch.testing.assert_close(whole.detach(), vectors.tensor("penalty_unmasked"), **close)
    for weight, name in ((w1, "dpenalty_dw1"), (w2, "dpenalty_dw2")):
        (gradient,) = torch.autograd.grad(masked, weight, retain_graph=True)
        expected = vectors.tensor(name)
        assert (gradient - expected).abs().max() <= 1e-5 * expected.abs().max()


class TwoLinearCritics:
    """Closed form: the gradient of a linear critic is its weight, everywhere."""

    def __init__(self, local: float, whole: float) -> None:
        self.factors = {"local": local, "global": whole}
        self.between: dict[str, torch.Tensor] = {}

    def __call__(self, views):
        if len(views) == 1:  # only the penalty scores one view alone
            self.between |= {name: view.detach() for name, view in views.items()}
        return {
            name: (view * self.factors[name]).sum((1, 2, 3))[:, None]
            for name, view in views.items()
        }

    def input_gradient(self, name, view):
        return by_autograd(lambda picture: self({name: picture})[name], view)


def views(local, whole):
    return {"local": local, "global": whole}


def make(**change):
    numbers = {"weight": 0.5, "global_weight": 3.0, "penalty_weight": 10.0, "critic_steps": 5}
    return WassersteinGP(**(numbers | change))


def test_critics_are_weighted_equally_and_the_generator_is_not():
    """Trap 11: the global critic's weight is the generator's alone, the penalty's factor 10."""
    real, fake = (torch.rand(2, 3, 4, 4) for _ in range(2))
    hole = torch.ones(2, 1, 4, 4)
    critics = TwoLinearCritics(0.1, 0.2)
    terms = make().critic_terms(critics, views(real, real), views(fake, fake), views(hole, hole))
    gap = (fake.sum((1, 2, 3)) - real.sum((1, 2, 3))).mean()
    torch.testing.assert_close(terms["wasserstein_local"], 0.1 * gap)
    torch.testing.assert_close(terms["wasserstein_global"], 0.2 * gap)
    length = 48**0.5
    torch.testing.assert_close(terms["penalty_local"], torch.tensor(10 * (0.1 * length - 1) ** 2))
    torch.testing.assert_close(terms["penalty_global"], torch.tensor(10 * (0.2 * length - 1) ** 2))
    generator = make().generator_terms(critics, views(fake, fake))
    score = fake.sum((1, 2, 3)).mean()
    torch.testing.assert_close(generator["adversarial_local"], -0.5 * 0.1 * score)
    torch.testing.assert_close(generator["adversarial_global"], -0.5 * 3 * 0.2 * score)


def test_alpha_is_drawn_per_picture_and_per_critic():
    """Trap 10."""
    real, fake = torch.zeros(4, 3, 2, 2), torch.ones(4, 3, 2, 2)
    hole = torch.ones(4, 1, 2, 2)
    critics = TwoLinearCritics(1.0, 1.0)
    make().critic_terms(critics, views(real, real), views(fake, fake), views(hole, hole))
    alphas = torch.stack([between[:, 0, 0, 0] for between in critics.between.values()])
    assert alphas.unique().numel() == 8
    assert ((alphas >= 0) & (alphas <= 1)).all()


def gradient_of_product(weight):
    return partial(by_autograd, lambda x: (x * weight).sum((1, 2, 3)))


def test_only_the_hole_counts_each_sample_with_its_own():
    """Trap 10 and trap 6 together: the first sample is all hole, the second has none."""
    weight = torch.rand(3, 8, 8)
    real, fake = torch.rand(2, 2, 3, 8, 8)
    hole = torch.stack([torch.ones(1, 8, 8), torch.zeros(1, 8, 8)])
    alpha = torch.rand(2, 1, 1, 1)
    penalty = gradient_penalty(gradient_of_product(weight), real, fake, hole, alpha)
    torch.testing.assert_close(penalty, ((weight.norm() - 1) ** 2 + 1) / 2)


def test_a_flat_critic_has_a_finite_gradient():
    weight = torch.zeros(3, 4, 4, requires_grad=True)
    real, fake = torch.rand(2, 2, 3, 4, 4)
    hole, alpha = torch.ones(2, 1, 4, 4), torch.rand(2, 1, 1, 1)
    gradient_penalty(gradient_of_product(weight), real, fake, hole, alpha).backward()
    assert weight.grad.isfinite().all()


def test_a_lazy_penalty_comes_every_third_batch_three_times_as_hard():
    real, fake = (torch.rand(2, 3, 4, 4) for _ in range(2))
    pair = views(real, real), views(fake, fake), views(*2 * [torch.ones(2, 1, 4, 4)])
    critics = TwoLinearCritics(0.1, 0.2)
    always, gan = make().critic_terms(critics, *pair), make(penalty_every=3)
    batches = [gan.critic_terms(critics, *pair) for _ in range(7)]
    for number, terms in enumerate(batches):
        lazy = number % 3 == 0
        assert terms.keys() == always.keys()
        for name, term in terms.items():
            factor = 1 if "wasserstein" in name else 3 if lazy else 0
            torch.testing.assert_close(term, factor * always[name])


def test_a_resumed_run_keeps_the_rhythm_of_its_penalty(tmp_path):
    """It goes on after two batches of three."""
    lazy = ("gan.penalty_every=3", "baseline=[]")
    tiny_train(tmp_path / "uncut", "callbacks.last_checkpoint.keep=true", *lazy)
    start = tmp_path / "uncut" / "checkpoints" / "step-0000001.ckpt"
    tiny_train(tmp_path / "cut", f"ckpt_path={start}", *lazy)
    uncut, cut = (
        read_checkpoint(tmp_path / name / "checkpoints" / "last.ckpt")["state_dict"]
        for name in ("uncut", "cut")
    )
    assert int(uncut["gan.batches"]) % 3 != 0
    assert all(torch.equal(value, cut[name]) for name, value in uncut.items())


def test_a_penalty_of_no_batch_is_refused():
    with pytest.raises(ValueError, match=r"gan\.penalty_every"):
        make(penalty_every=0)
