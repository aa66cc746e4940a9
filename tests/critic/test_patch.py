"""The critic of patches."""

import pytest
import torch
from torch import nn

from farfill.checkpoint import read_checkpoint
from farfill.critic.patch import Patch
from farfill.gan.wgan_gp import gradient_penalty
from helpers.runs import tiny_train


def convolutions(critic: Patch) -> list[nn.Conv2d]:
    return [layer for layer in critic.network if isinstance(layer, nn.Conv2d)]


def test_layers_are_those_of_the_paper():
    """256 channels of 4 x 4 scores at 256 px, from kernels of 5 with stride 2."""
    critic = Patch(64, depth=6)
    layers = convolutions(critic)
    assert [layer.out_channels for layer in layers] == [64, 128, 256, 256, 256, 256]
    assert {(layer.kernel_size, layer.stride) for layer in layers} == {((5, 5), (2, 2))}
    assert critic({"patch": torch.rand(2, 3, 256, 256)})["patch"].shape == (2, 256 * 4 * 4)


@pytest.mark.parametrize(("depth", "reach"), [(2, 13), (4, 61), (6, 253)])
def test_a_score_sees_no_more_than_its_patch(depth, reach):
    critic = Patch(2, depth).eval()
    picture = torch.rand(1, 3, 384, 384, requires_grad=True)
    size = 384 // 2**depth
    scores = critic({"patch": picture})["patch"].view(1, -1, size, size)
    (gradient,) = torch.autograd.grad(scores[..., size // 2, size // 2].sum(), picture)
    rows = gradient[0].abs().sum((0, 2)).nonzero().flatten()
    assert rows.max() - rows.min() + 1 == reach


def test_each_layers_largest_singular_value_becomes_one():
    critic = Patch(4, depth=3)
    for _ in range(50):
        critic({"patch": torch.rand(1, 3, 16, 16)})
    critic.eval()
    for layer in convolutions(critic):
        largest = torch.linalg.matrix_norm(layer.weight.flatten(1), 2)
        torch.testing.assert_close(largest, torch.tensor(1.0), rtol=1e-3, atol=1e-3)


def test_no_score_depends_on_another_sample():
    critic = Patch(4, depth=3).eval()
    pictures = torch.rand(3, 3, 16, 16)
    alone = critic({"patch": pictures[1:2]})["patch"]
    torch.testing.assert_close(critic({"patch": pictures})["patch"][1:2], alone)


def test_the_penalty_is_of_the_mean_score():
    critic = Patch(2, depth=2).double().eval()
    picture = torch.rand(1, 3, 16, 16, dtype=torch.float64)
    gradient = critic.input_gradient("patch", picture.clone())
    step = 1e-6 * torch.randn_like(picture)
    pair = (critic({"patch": picture + sign * step})["patch"].mean() for sign in (1, -1))
    change = next(pair) - next(pair)
    torch.testing.assert_close(change, 2 * (gradient * step).sum(), rtol=1e-3, atol=1e-12)


def test_the_penalty_reaches_every_weight():
    critic = Patch(2, depth=2)
    real, fake = torch.rand(2, 2, 3, 16, 16)
    hole = torch.ones(1, 1, 16, 16)

    def gradient_of(view: torch.Tensor) -> torch.Tensor:
        return critic.input_gradient("patch", view)

    gradient_penalty(gradient_of, real, fake, hole, torch.rand(2, 1, 1, 1)).backward()
    weights = [p for name, p in critic.named_parameters() if "weight" in name]
    assert len(weights) == 2
    assert all(weight.grad.abs().sum() > 0 for weight in weights)


@pytest.mark.parametrize("gan", ["hinge", "wgan_gp"])
def test_a_resumed_run_is_the_uncut_run(tmp_path, gan):
    """What the normalisation remembers between steps is in the checkpoint."""
    swaps = ("critic=patch", f"gan={gan}", "mask=free_form", "baseline=[]")
    tiny_train(tmp_path / "uncut", "callbacks.last_checkpoint.keep=true", *swaps)
    start = tmp_path / "uncut" / "checkpoints" / "step-0000002.ckpt"
    tiny_train(tmp_path / "cut", f"ckpt_path={start}", *swaps)
    begun, uncut, cut = (
        read_checkpoint(path)["state_dict"]
        for path in (
            start,
            *(tmp_path / name / "checkpoints" / "last.ckpt" for name in ("uncut", "cut")),
        )
    )
    of_critic = [name for name in begun if name.startswith("critics.") and "bias" not in name]
    assert all(not torch.equal(begun[name], uncut[name]) for name in of_critic)
    assert all(torch.equal(value, cut[name]) for name, value in uncut.items())


def test_a_depth_of_none_is_refused():
    with pytest.raises(ValueError, match=r"critic\.depth"):
        Patch(2, depth=0)
