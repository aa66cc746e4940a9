"""A training small enough for a test."""

from functools import partial
from typing import Any

import torch
from lightning import Trainer
from torch.utils.data import DataLoader

from farfill import Generator
from farfill.critic.local_global import LocalGlobal
from farfill.gan.none import NoGAN
from farfill.gan.wgan_gp import WassersteinGP
from farfill.loss.discounted_l1 import DiscountedL1
from farfill.loss.known_l1 import KnownL1
from farfill.metric.suite import InpaintingMetrics
from farfill.module.inpainting import Inpainting
from farfill.types import Batch
from helpers.holes import box_holes

SIZE, PATCH = 32, 16

#: Numbers of a data module: two pictures of 16 x 16 a batch, loaded by the process itself.
DATA: dict[str, Any] = {
    "val_holes": None,
    "image_size": 16,
    "batch_size": 2,
    "val_batch_size": 2,
    "val_limit": None,
    "workers": 0,
    "seed": 1,
    "one_hole_per_batch": False,
    "flip": True,
}


def random_batch(pictures: int, seed: int = 0) -> Batch:
    """Random pictures, each with a box of its own."""
    rng = torch.Generator().manual_seed(seed)
    image = torch.rand(pictures, 3, SIZE, SIZE, generator=rng) * 2 - 1
    corner = torch.randint(0, SIZE - PATCH, (pictures, 2), generator=rng)
    box = torch.cat([corner, torch.full((pictures, 2), PATCH)], dim=1)
    hole = box_holes(SIZE, SIZE, *box.tolist())
    return Batch(image, hole, hole.clone(), box, torch.arange(pictures))


def tiny_module(critic_steps: int = 2, batch_size: int = 2, **change: Any) -> Inpainting:
    parts: dict[str, Any] = {
        "generator": Generator(channels=2),
        "critics": LocalGlobal(2, SIZE, PATCH),
        "gan": WassersteinGP(0.001, 1.0, 10.0, critic_steps) if critic_steps else NoGAN(),
        "losses": {"a": DiscountedL1(0.9, 1.44, 1.2), "b": KnownL1(1.44, 1.2)},
        "optimizer": partial(torch.optim.Adam, lr=1e-3, betas=(0.5, 0.9)),
        "schedule": partial(torch.optim.lr_scheduler.LambdaLR, lr_lambda=lambda step: 0.9**step),
        "metrics": InpaintingMetrics(),
        "batch_size": batch_size,
    }
    return Inpainting(**(parts | change))


def quiet_fit(module: Inpainting, batches: list[Batch], val: Any = (), **options: Any) -> Trainer:
    """Train on each of the batches once, and validate on the others, without a word."""
    silent = ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary")
    given = {"max_epochs": 1, "accelerator": "cpu", **dict.fromkeys(silent, False)}
    trainer = Trainer(**given | options)
    trainer.fit(module, *(DataLoader(part, batch_size=None) for part in (batches, val) if part))
    return trainer


def tiny_checkpoint(**changes: Any) -> dict[str, Any]:
    """What a small good checkpoint holds; only its generator is described."""
    generator = {"_target_": "farfill.generator.two_stage.Generator", "channels": 2}
    weights = {f"generator.{k}": v for k, v in Generator(channels=2).state_dict().items()}
    whole = {"farfill": {"generator": generator}, "state_dict": weights, "global_step": 7}
    return {**whole, **changes}
