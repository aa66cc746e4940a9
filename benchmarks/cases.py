"""What is timed: functions by name, each a rival's way to the same result."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from rivals import PatchesAsKernels, TwiceDifferentiated, plain_generator
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import farfill
from farfill.critic.local_global import LocalGlobal
from farfill.gan.wgan_gp import WassersteinGP
from farfill.inpainting.partial import Cost
from farfill.inpainting.predictor import Predictor
from farfill.types import AttentionResult

#: Size of a picture, holes (top, left and side), and the crop's least side.
FILLED: list[tuple[tuple[int, int], list[tuple[int, int, int]], int | None]] = [
    ((256, 256), [(96, 96, 64)], 512),
    ((512, 512), [(20, 30, 40)], 512),
    ((512, 512), [(128, 128, 256)], 512),
    ((2000, 3000), [(500, 700, 80)], 512),
    ((2000, 3000), [(500, 700, 80), (1400, 2200, 110)], 512),
    ((2000, 3000), [(900, 1300, 400)], 512),
    ((1000, 1500), [(400, 600, 100)], None),
    ((2048, 2048), [(700, 700, 512)], None),
]

Cases = dict[str, Callable[[], object]]
PLAIN = "plain"


def box(size: int, side: int) -> Tensor:
    """A hole in the middle: ``(1, 1, size, size)``."""
    hole = torch.zeros(1, 1, size, size)
    start = (size - side) // 2
    hole[..., start : start + side, start : start + side] = 1
    return hole


def attention(size: int) -> Cases:
    """The layer alone, at the paper's 128 channels, a quarter of the map missing."""
    features = torch.randn(1, 128, size, size, generator=torch.Generator().manual_seed(0))
    hole = box(size, size // 2)
    ours, plain = farfill.ContextualAttention(), PatchesAsKernels()

    @torch.inference_mode()
    def half() -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return ours(features, features, hole).features

    return {
        PLAIN: torch.inference_mode()(lambda: plain(features, features, hole).features),
        "float32": torch.inference_mode()(lambda: ours(features, features, hole).features),
        "bf16 products": half,
    }


def attention_training(size: int) -> Cases:
    """The layer with its gradient."""
    features = torch.randn(1, 128, size, size, generator=torch.Generator().manual_seed(0))
    hole = box(size, size // 2)

    def step(layer: nn.Module) -> Callable[[], object]:
        def run() -> object:
            leaf = features.clone().requires_grad_()
            return torch.autograd.grad(layer(leaf, leaf, hole).features.square().sum(), leaf)

        return run

    return {PLAIN: step(PatchesAsKernels()), "float32": step(farfill.ContextualAttention())}


def inference(size: int) -> Cases:
    """The paper's generator on one picture, a hole of half its side."""
    torch.manual_seed(0)
    generator = farfill.Generator().eval()
    hole = box(size, size // 2)
    masked = (torch.rand(1, 3, size, size) * 2 - 1) * (1 - hole)
    small = box(size, size // 4)
    plain = plain_generator(generator)
    last = generator.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    inputs = masked.contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def half() -> object:
        with torch.autocast("cpu", torch.bfloat16):
            return last(inputs, hole).refined

    return {
        PLAIN: torch.inference_mode()(lambda: plain(masked, hole).refined),
        "float32, whole picture": torch.inference_mode()(lambda: last(inputs, hole).refined),
        "bf16, whole picture": half,
        "float32, what the hole needs": predicting(generator, masked, hole, "float32"),
        "float32, hole of a quarter of the side": predicting(generator, masked, small, "float32"),
        "bf16, what the hole needs": predicting(generator, masked, hole, "bf16"),
    }


def predicting(
    generator: nn.Module, masked: Tensor, hole: Tensor, precision: str
) -> Callable[[], object]:
    """What ``inpaint.py`` computes."""
    predictor = Predictor(generator, precision=precision)  # type: ignore[arg-type]
    known = np.ascontiguousarray((masked * (1 - hole))[0].permute(1, 2, 0).numpy())
    return lambda: predictor(known, hole[0, 0].numpy() > 0)


def filling() -> dict[str, tuple[Callable[[], object], list[Cost]]]:
    """Pictures filled with the paper's generator, and the guesses that are made before."""
    torch.manual_seed(0)
    predictor = Predictor(farfill.Generator().eval())
    rng = np.random.default_rng(0)
    found = {}
    for (height, width), holes, crop in FILLED:
        image = rng.integers(0, 256, (height, width, 3), np.uint8)
        hole = np.zeros((height, width), bool)
        for top, left, side in holes:
            hole[top : top + side, left : left + side] = True
        guesses: list[Cost] = []
        run = partial(farfill.fill, predictor, image, hole, 2048**2, crop, before=guesses.append)
        sides = " and ".join(str(side) for *_, side in holes)
        found[f"{width} x {height}, holes of {sides} px, crop={crop}"] = run, guesses
    return found


def training(size: int) -> Cases:
    """One generator step with its five critic steps, at the paper's widths.

    Batch 4 at 128 px, and as many pixels in other batches.
    """
    torch.manual_seed(0)
    image = torch.rand(max(1, 4 * 128**2 // size**2), 3, size, size) * 2 - 1
    hole = box(size, size // 2)
    at = torch.tensor([[size // 4, size // 4, size // 2, size // 2]]).expand(len(image), -1)

    def step(
        generator: nn.Module,
        ours: bool,
        half: bool = False,
        half_critics: bool = False,
        penalty_every: int = 1,
    ) -> Callable[[], object]:
        critics = (LocalGlobal if ours else TwiceDifferentiated)(64, size, size // 2)
        gan = WassersteinGP(0.001, 1.0, 10.0, 5, penalty_every=penalty_every)
        order = torch.channels_last if ours else torch.contiguous_format
        for network in (generator, critics):
            network.to(memory_format=order)  # type: ignore[call-overload]
        real = image.contiguous(memory_format=order)

        def complete() -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                return generator(real * (1 - hole), hole).completed(real, hole).float()

        def judge(terms: Callable[..., dict[str, Tensor]], *views: object) -> Tensor:
            with torch.autocast("cpu", torch.bfloat16, enabled=half_critics):
                return torch.stack(list(terms(critics, *views).values())).sum()

        def run() -> None:
            for _ in range(gan.critic_steps):
                with torch.set_grad_enabled(not ours):
                    fake = complete()
                views = (
                    critics.views(x, at)
                    for x in (real, fake.detach(), hole.expand(len(real), -1, -1, -1))
                )
                judge(gan.critic_terms, *views).backward()
                critics.zero_grad()
            critics.requires_grad_(not ours)
            completed = complete()
            adversarial = judge(gan.generator_terms, critics.views(completed, at))
            loss = F.l1_loss(completed, real) + adversarial
            loss.backward()
            for network in (generator, critics.requires_grad_()):
                network.zero_grad()

        return run

    def here(**options: Any) -> Callable[[], object]:
        return step(farfill.Generator(), ours=True, **options)

    return {
        PLAIN: step(plain_generator(farfill.Generator()), ours=False),
        "float32": here(),
        "float32, penalty in every 5th batch": here(penalty_every=5),
        "bf16": here(half=True),
        "bf16, critics too": here(half=True, half_critics=True),
        "the same, penalty in every 5th batch": here(half=True, half_critics=True, penalty_every=5),
    }


def convolution() -> tuple[Callable[[], object], float]:
    """A convolution at which this machine is at its best, and its multiplications."""
    features = torch.ones(1, 128, 128, 128).to(memory_format=torch.channels_last)
    weight = torch.ones(128, 128, 3, 3).to(memory_format=torch.channels_last)
    work = float(weight.numel() * 128 * 128)
    return torch.inference_mode()(lambda: F.conv2d(features, weight, padding=1)), work


def convolution_work(size: int) -> float:
    """Multiplications of the generator's convolutions as the paper has them, on one picture."""

    class Copy(nn.Module):
        def forward(self, foreground: Tensor, background: Tensor, hole: Tensor) -> AttentionResult:
            return AttentionResult(foreground, None)

    generator = plain_generator(farfill.Generator().eval())
    generator.refinement.attention = Copy()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        generator(torch.zeros(1, 3, size, size), box(size, size // 2))
    return counter.get_total_flops() / 2
