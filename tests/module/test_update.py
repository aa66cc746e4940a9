"""How gradients become updates: in parts, clipped, or not at all."""

import math
from functools import partial

import pytest
import torch
from torch import nn

from farfill.checkpoint import read_checkpoint
from farfill.files import read_rows
from farfill.gan.hinge import Hinge
from farfill.gan.lsgan import LSGAN
from farfill.gan.none import NoGAN
from farfill.gan.vanilla import Vanilla
from farfill.gan.wgan_gp import WassersteinGP
from farfill.loss.hole_l2 import HoleL2
from farfill.loss.known_l1 import KnownL1
from farfill.rundir.status import read_status
from farfill.types import Diverged
from helpers.runs import tiny_train
from helpers.tiny import quiet_fit, random_batch, tiny_module

PLAIN = {
    "gan": Hinge(0.001, 1.0, 1),  # draws nothing, so parts see the same
    "optimizer": partial(torch.optim.SGD, lr=0.1),
}


def step(module, batch=None):
    """One generator step with one critic step, in float64."""
    torch.manual_seed(0)
    quiet_fit(module, [random_batch(8) if batch is None else batch], precision="64-true")


def weights(module):
    return torch.cat([p.detach().flatten().clone() for p in module.parameters()])


def made(batch_size=4, **change):
    torch.manual_seed(1)
    return tiny_module(batch_size=batch_size, **(PLAIN | change)).double()


def test_parts_of_an_update_make_the_gradient_of_the_whole():
    whole, parts = made(), made(batch_size=1, accumulate=4)
    before = weights(whole)
    assert torch.equal(before, weights(parts))
    step(whole)
    step(parts)
    assert (weights(whole) - before).abs().max() > 1e-3
    torch.testing.assert_close(weights(parts), weights(whole), rtol=0, atol=1e-12)
    for name, value in (("total", 1e-12), ("adversarial_local", 1e-15)):
        logged = [x.trainer.callback_metrics[f"train/generator/{name}"] for x in (whole, parts)]
        torch.testing.assert_close(*logged, rtol=1e-9, atol=value)


@pytest.mark.parametrize("by", ["norm", "value"])
def test_gradients_are_clipped(by):
    free, clipped = (made(gan=NoGAN(), **x) for x in ({}, {"clip": 1e-3, "clip_by": by}))
    before = weights(free)
    step(free, random_batch(4))
    step(clipped, random_batch(4))
    moved = [
        (weights(x) - before)[: sum(p.numel() for p in x.generator.parameters())]
        for x in (free, clipped)
    ]
    if by == "norm":
        assert moved[0].norm() > 2e-4
        assert moved[1].norm() == pytest.approx(0.1 * 1e-3, rel=1e-4)
        torch.testing.assert_close(moved[1] / moved[1].norm(), moved[0] / moved[0].norm())
    else:
        torch.testing.assert_close(moved[1], moved[0].clamp(-1e-4, 1e-4))


class Spoilt(nn.Module):
    """A loss that is what it is told to be."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, completion, batch):
        return {"spoilt": completion.refined.mean() * 0 + self.value}


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_an_update_that_is_not_finite_is_left_out_and_counted(value):
    module = made(max_skipped=3, losses={"spoilt": Spoilt(value)})
    before = {k: v.clone() for k, v in module.generator.state_dict().items()}
    with pytest.raises(Diverged, match="the last 1 updates of the generator"):
        step(module)
    assert module.skipped == {"generator": 1, "critic": 0}
    assert module.trainer.callback_metrics["train/skipped/generator"] == 1
    for name, now in module.generator.state_dict().items():
        assert torch.equal(now, before[name])


def test_pictures_that_are_not_finite_spoil_nothing():
    module = made(max_skipped=3)
    before = weights(module)
    batch = random_batch(8)
    batch.image[0, 0, 0, 0] = math.nan
    batch.image[5, 0, 0, 0] = math.nan
    with pytest.raises(Diverged):
        step(module, batch)
    assert module.skipped == {"generator": 1, "critic": 1}
    assert torch.equal(weights(module), before)


def test_a_run_that_does_not_recover_ends_as_diverged(tmp_path):
    """The learning rate blows the weights up; what was saved before is still good."""
    with pytest.raises(Diverged, match="a lower `learning_rate`") as error:
        tiny_train(
            tmp_path,
            "learning_rate=1e30",
            "schedule=constant",
            "trainer.max_skipped=3",
            "trainer.max_generator_steps=50",
            "trainer.validate_every=50",
        )
    assert "\n" not in str(error.value)
    status = read_status(tmp_path)
    assert status["state"] == "diverged"
    assert "learning_rate" in status["message"]
    saved = read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")
    assert all(value.isfinite().all() for value in saved["state_dict"].values())
    rows = read_rows(tmp_path / "metrics.csv")
    name = "train/skipped/generator"
    skipped = [float(row[name]) for row in rows if row[name]]
    assert skipped == sorted(skipped)
    assert skipped[-1] > 0


@pytest.mark.parametrize(
    ("player", "options"),
    [
        ("generator", ["loss.known_l1.refined=1e39"]),
        ("critic", ["gan.penalty_weight=1e39"]),
        ("generator", ["loss.known_l1.refined=1e39", "module.max_skipped=2"]),
    ],
)
def test_a_player_that_never_learns_ends_the_run_as_diverged(tmp_path, player, options):
    """The other player's sound updates do not hide it, nor does a run shorter than max_skipped."""
    with pytest.raises(Diverged, match=f"updates of the {player} were skipped"):
        tiny_train(tmp_path, "gan=wgan_gp", "trainer.max_steps=4", *options)
    status = read_status(tmp_path)
    assert status["state"] == "diverged"
    assert status["skipped"][player] == (2 if len(options) > 1 else 4)


def test_half_a_run_is_twice_as_many_updates_where_two_make_a_step():
    module = made(gan=Hinge(0.001, 1.0, 2))
    quiet_fit(module, [random_batch(12)] * 4, precision="64-true")
    module.skipped_in_a_row["critic"] = 3  # of eight
    module.on_train_end()
    module.skipped_in_a_row["critic"] = 4
    with pytest.raises(Diverged, match="the last 4 updates of the critic were skipped"):
        module.on_train_end()


def test_a_completion_that_is_not_finite_ends_the_run_as_diverged(monkeypatch):
    module = made()
    step(module)
    for name in ("log", "log_dict"):  # Lightning lets nobody log outside its loops
        monkeypatch.setattr(module, name, lambda *_, **__: None)
    with torch.no_grad():
        next(module.generator.parameters()).fill_(math.nan)
    module.float().validation_step(random_batch(4), 0)
    with pytest.raises(Diverged, match="completed pictures are not finite"):
        module.on_validation_epoch_end()


GAMES = {
    "wgan_gp": partial(WassersteinGP, penalty_weight=10.0),
    "vanilla": Vanilla,
    "lsgan": LSGAN,
    "hinge": Hinge,
}


def game(name, share=None, weight=0.001):
    return GAMES[name](weight=weight, global_weight=1.0, critic_steps=1, share=share)


@pytest.mark.parametrize("gan", GAMES)
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_adversarial_share_is_that_of_the_gradients_in_the_hole(gan, accumulate):
    module = made(batch_size=4 // accumulate, accumulate=accumulate, gan=game(gan))
    batch = random_batch(8)
    seen = []
    terms_of = module.generator_terms

    def spied(part):
        completion = module(part)
        views = module.critics.views(completion.completed(part.image, part.hole), part.box)
        adversarial = module.gan.generator_terms(module.critics, views)
        others = {
            k: v for loss in module.losses.values() for k, v in loss(completion, part).items()
        }
        for terms in (adversarial, others):
            total = sum(terms.values())
            (gradient,) = torch.autograd.grad(total, completion.refined, retain_graph=True)
            seen.append((gradient * part.hole).square().sum())
        return terms_of(part)

    module.generator_terms = spied
    step(module, batch)
    adversarial, other = sum(seen[::2]).sqrt(), sum(seen[1::2]).sqrt()
    logged = module.trainer.callback_metrics["train/generator/adversarial_share"]
    assert logged == pytest.approx(float(adversarial / (adversarial + other)), rel=1e-4)
    assert 0 < logged < 1


@pytest.mark.parametrize("gan", GAMES)
def test_a_share_that_is_asked_for_is_kept_up_whatever_the_weight(gan):
    shares, scaled = {}, {}
    for weight in (1e-5, 1e-2):
        torch.manual_seed(0)
        losses = {"known_l1": KnownL1(1.0, 1.0), "hole_l2": HoleL2(1.0)}
        module = tiny_module(gan=game(gan, 0.6, weight), losses=losses).double()
        rounds = [random_batch(4, seed) for seed in range(6)]
        trainer = quiet_fit(module, rounds, precision="64-true")
        shares[weight] = trainer.callback_metrics["train/generator/adversarial_share"]
        scaled[weight] = weight * trainer.callback_metrics["train/generator/adversarial_scale"]
    assert list(shares.values()) == pytest.approx([0.6, 0.6], abs=0.1)
    assert list(scaled.values()) == pytest.approx([float(scaled[1e-2])] * 2, rel=0.1)


def test_without_a_rival_gradient_the_weight_stays():
    """The other terms have none in the hole, so no weight would give the share."""
    module = made(gan=game("hinge", 0.5), losses={"a": KnownL1(1.0, 1.0)})
    quiet_fit(module, [random_batch(8, seed) for seed in range(2)], precision="64-true")
    metrics = module.trainer.callback_metrics
    assert metrics["train/generator/adversarial_scale"] == 1
    assert metrics["train/generator/adversarial_share"] == 1


@pytest.mark.parametrize("share", [0, 1, -0.1, 2.0])
def test_a_share_that_cannot_be_is_refused(share):
    with pytest.raises(ValueError, match="expected `adversarial_share` above 0 and below 1"):
        game("hinge", share)


def test_a_share_goes_on_where_the_run_was_cut(tmp_path):
    options = ["adversarial_share=0.5", "schedule=constant"]
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    tiny_train(whole, *options, "trainer.max_steps=4")
    tiny_train(cut, *options, "trainer.max_steps=2")
    tiny_train(cut, *options, "trainer.max_steps=4")
    ends = [read_checkpoint(x / "checkpoints" / "last.ckpt")["state_dict"] for x in (whole, cut)]
    assert ends[0]["pull_sums"].gt(0).all()
    assert all(torch.equal(value, ends[1][name]) for name, value in ends[0].items())
