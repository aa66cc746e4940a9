"""A training small enough for a test."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch

from farfill import Generator
from farfill.critic.local_global import LocalGlobal
from farfill.gan.wgan_gp import WassersteinGP
from farfill.loss.discounted_l1 import DiscountedL1
from farfill.loss.known_l1 import KnownL1
from farfill.metric.suite import InpaintingMetrics
from farfill.module.inpainting import Inpainting
from farfill.types import Batch

SIZE, PATCH = 32, 16


def random_batch(pictures: int, seed: int = 0) -> Batch:
    """Random pictures, each with a box of its own."""
    rng = torch.Generator().manual_seed(seed)
    image = torch.rand(pictures, 3, SIZE, SIZE, generator=rng) * 2 - 1
    corner = torch.randint(0, SIZE - PATCH, (pictures, 2), generator=rng)
    box = torch.cat([corner, torch.full((pictures, 2), PATCH)], dim=1)
    hole = torch.zeros(pictures, 1, SIZE, SIZE)
    for one, (top, left) in zip(hole, corner.tolist(), strict=True):
        one[:, top : top + PATCH, left : left + PATCH] = 1
    return Batch(image, hole, hole.clone(), box, torch.arange(pictures))


def tiny_module(critic_steps: int = 2, batch_size: int = 2, **change: Any) -> Inpainting:
    parts: dict[str, Any] = {
        "generator": Generator(channels=2),
        "critics": LocalGlobal(2, SIZE, PATCH),
        "gan": WassersteinGP(0.001, 1.0, 10.0, critic_steps),
        "losses": {"a": DiscountedL1(0.9, 1.44, 1.2), "b": KnownL1(1.44, 1.2)},
        "optimizer": partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.9)),
        "schedule": partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 0.9**step),
        "metrics": InpaintingMetrics(),
        "batch_size": batch_size,
    }
    return Inpainting(**(parts | change))
