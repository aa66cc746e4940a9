"""The order of the paper's training step."""

import pytest
import torch
from hydra.utils import instantiate

from farfill.gan.none import NoGAN
from farfill.layer.convolution import SameConv2d
from helpers.runs import compose_tiny
from helpers.tiny import quiet_fit, random_batch, tiny_module


def fit(module, steps=1, updates=3, validate=(), **flags):
    rounds = [random_batch(updates * module.batch_size, seed) for seed in range(steps)]
    return quiet_fit(module, rounds, validate, **flags)


class Spied:
    """Notes which batch each player was updated on, and what moved."""

    def __init__(self, module) -> None:
        self.module, self.calls = module, []
        self.before = self.snapshot()
        for name in ("critic_terms", "generator_terms"):
            setattr(module, name, self.wrap(name, getattr(module, name)))

    def snapshot(self):
        players = {"generator": self.module.generator, "critics": self.module.critics}
        return {
            name: torch.cat([p.detach().flatten().clone() for p in player.parameters()])
            for name, player in players.items()
        }

    def moved(self):
        now = self.snapshot()
        moved = {name for name in now if not torch.equal(now[name], self.before[name])}
        self.before = now
        return moved

    def wrap(self, name, function):
        def wrapped(batch):
            self.calls.append((name, batch.image.clone(), batch.hole.clone(), self.moved()))
            return function(batch)

        return wrapped


def test_critics_first_each_on_a_batch_of_its_own_then_the_generator():
    """Trap 13, and: an update moves one player only."""
    module = tiny_module(critic_steps=2)
    spied = Spied(module)
    fit(module, steps=2)
    names = [name for name, *_ in spied.calls]
    assert names == ["critic_terms", "critic_terms", "generator_terms"] * 2
    images = [image for _, image, *_ in spied.calls]
    assert all(len(image) == module.batch_size for image in images)
    assert len({image.sum().item() for image in images}) == 6
    assert len({str(hole.nonzero()[0].tolist()) for *_, hole, _ in spied.calls}) > 1
    moved_before_call = [moved for *_, moved in spied.calls]
    assert moved_before_call[1:] == [{"critics"}, {"critics"}, {"generator"}, *[{"critics"}] * 2]
    assert spied.moved() == {"generator"}


def test_one_count_of_generator_steps():
    module = tiny_module(critic_steps=2)
    trainer = fit(module, steps=4)
    assert trainer.global_step == module.global_step == 4  # not the critics' 8 updates besides
    rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]
    assert rates == pytest.approx([1e-3 * 0.9**4] * 2)


def test_terms_add_up_and_the_fake_has_no_graph():
    module = tiny_module()
    batch = random_batch(2)
    terms = module.critic_terms(batch)
    views = ("local", "global")
    assert set(terms) == {f"{x}_{view}" for x in ("wasserstein", "penalty") for view in views}
    sum(terms.values()).backward()
    assert all(p.grad is None for p in module.generator.parameters())
    terms = module.generator_terms(batch)
    stages = {f"{x}_{y}" for x in ("discounted_l1", "known_l1") for y in ("coarse", "refined")}
    assert set(terms) == stages | {f"adversarial_{view}" for view in views}


def test_without_critic_steps_only_the_generator_learns():
    module = tiny_module(critic_steps=0)
    spied = Spied(module)
    trainer = fit(module, steps=2, updates=1)
    assert [name for name, *_ in spied.calls] == ["generator_terms"] * 2
    assert "train/critic/total" not in trainer.callback_metrics


def test_three_phases_the_generator_alone_the_critics_alone_then_both():
    module = tiny_module(critic_steps=1, alone=[0.34, 0.33])
    spied = Spied(module)
    reconstruction = module.reconstruction_terms
    module.reconstruction_terms = spied.wrap("reconstruction_terms", reconstruction)
    trainer = fit(module, steps=6, updates=2, max_steps=6)
    names = [name for name, *_ in spied.calls]
    first, second = ["reconstruction_terms"] * 2, ["critic_terms"] * 2
    assert names == [*first, *second, *["critic_terms", "generator_terms"] * 2]
    moved_before_call = [moved for *_, moved in spied.calls]
    assert moved_before_call[1:5] == [*[{"generator"}] * 2, *[{"critics"}] * 2]
    assert trainer.global_step == 6
    rates = [optimizer.param_groups[0]["lr"] for optimizer in trainer.optimizers]
    assert rates == pytest.approx([1e-3 * 0.9**6] * 2)


def test_the_critics_share_of_a_run_needs_its_end():
    with pytest.raises(ValueError, match=r"no number of them: give trainer\.max_steps"):
        fit(tiny_module(critic_steps=1, alone=[0.2, 0.1]), updates=2)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"alone": [0.9, 0.2]}, "expected `stage.alone` to be two shares"),
        ({"alone": [0.9]}, "expected `stage.alone` to be two shares"),
        ({"alone": [-0.1, 0.2]}, "expected `stage.alone` to be two shares"),
        ({"alone": [0.2, 0.1], "gan": NoGAN()}, "`stage.alone` needs a `loss` and a `gan`"),
        ({"alone": [0.2, 0.1], "losses": None}, "`stage.alone` needs a `loss` and a `gan`"),
    ],
)
def test_phases_that_cannot_be_are_refused(options, says):
    with pytest.raises(ValueError, match=says):
        tiny_module(**options)


def test_validation_measures_completed_pictures():
    module = tiny_module()
    batch = random_batch(3)
    trainer = fit(module, validate=[batch])
    metrics = trainer.callback_metrics
    with torch.no_grad():
        completed = module.eval()(batch).completed(batch.image, batch.hole)
    difference = (completed - batch.image).abs() / 2
    torch.testing.assert_close(metrics["val/l1_full"], difference.mean())
    inside = difference[batch.hole.bool().expand_as(difference)]
    torch.testing.assert_close(metrics["val/l1_hole"], inside.mean())  # holes of one size


@pytest.mark.parametrize(("in_float32", "inside"), [(True, torch.float32), (False, torch.bfloat16)])
@pytest.mark.parametrize("gan", ["wgan_gp", "vanilla", "lsgan", "hinge"])
def test_critics_under_bf16_compute_as_they_are_told(gan, in_float32, inside):
    gan = instantiate(compose_tiny(f"gan={gan}", "critic_steps=2").gan)
    module = tiny_module(gan=gan, critics_in_float32=in_float32)
    outside, convolved = [], []
    module.critics.register_forward_hook(
        lambda _, inputs, scores: outside.extend(
            value.dtype for views in (inputs[0], scores) for value in views.values()
        )
    )
    for layer in module.critics.modules():
        if isinstance(layer, SameConv2d):
            layer.register_forward_hook(lambda _, inputs, output: convolved.append(output.dtype))
    fit(module, precision="bf16-mixed")
    assert set(outside) == {torch.float32}
    assert set(convolved) == {inside}
