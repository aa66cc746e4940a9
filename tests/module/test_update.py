"""How gradients become updates: in parts, clipped, or not at all."""

from __future__ import annotations

import math
from functools import partial

import pytest
import torch
from torch import nn

from farfill.checkpoint import read_checkpoint
from farfill.gan.hinge import Hinge
from farfill.gan.none import NoGAN
from farfill.rundir.status import read_status
from farfill.tracking.metrics_csv import read_rows
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
