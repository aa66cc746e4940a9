"""Turn the configuration into built parts."""

from __future__ import annotations

from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import nn

from farfill.baseline.protocol import Filler
from farfill.datamodule.inpainting import InpaintingData
from farfill.machine import memory
from farfill.module.inpainting import Inpainting, Update
from farfill.types import Batch


def plain(config: Any) -> Any:
    """Plain dictionaries, lists and values, interpolations resolved."""
    return OmegaConf.to_container(config, resolve=True)


def build_data(
    cfg: DictConfig, steps: int = 1, updates: int = 1, accumulate: int = 1
) -> InpaintingData:
    """Make the data module.

    Args:
        cfg: Whole configuration.
        steps: Generator steps of the run.
        updates: Updates per generator step.
        accumulate: Batches per update.
    """
    together = cfg.datamodule.batch_size * accumulate
    return instantiate(cfg.datamodule, steps=steps, updates=updates, batch_size=together)


def build_module(cfg: DictConfig) -> Inpainting:
    """Make both networks, the losses and the optimisers' recipes.

    Raises:
        ValueError: If the networks do not fit into this machine's memory.
    """
    _check_memory(cfg)
    generator = instantiate(cfg.generator).to(memory_format=torch.channels_last)
    if cfg.compile:
        generator.compile()
    return Inpainting(
        generator=generator,
        critics=instantiate(cfg.critic).to(memory_format=torch.channels_last),
        gan=instantiate(cfg.gan),
        losses={name: instantiate(loss) for name, loss in _chosen(cfg, "loss").items()},
        optimizer=instantiate(cfg.optimizer),
        schedule=instantiate(cfg.schedule),
        metrics=instantiate(cfg.metric),
        batch_size=cfg.batch_size * cfg.trainer.accumulate_grad_batches,
        trained=cfg.stage.trained,
        update=Update(
            cfg.trainer.accumulate_grad_batches,
            cfg.trainer.gradient_clip_val,
            cfg.trainer.gradient_clip_algorithm,
            cfg.trainer.max_skipped,
        ),
    )


def _check_memory(cfg: DictConfig) -> None:
    """Refuse networks that no memory holds; filling it would end the process without a word."""
    try:
        with torch.device("meta"):  # where numbers take no memory
            networks = (instantiate(cfg.generator), instantiate(cfg.critic))
    except InstantiationException as error:
        if isinstance(error.__cause__, ValueError):
            raise
        reason = str(error.__cause__).partition("\n")[0]
        raise ValueError(
            f"cannot build the networks ({reason}): look at the numbers of generator and critic"
        ) from error
    sizes = [value.numel() * value.element_size() for net in networks for value in net.parameters()]
    if sum(sizes) > memory().total:
        raise ValueError(
            f"the networks' weights take {sum(sizes) / 1e9:.3g} GB, more than this machine has: "
            "lower `channels` or `critic_channels`"
        )


def build_baselines(cfg: DictConfig) -> dict[str, Filler]:
    """Make the classical baselines, labelled as such."""
    return {
        f"{name.replace('_', ' ')} (classical baseline)": instantiate(baseline)
        for name, baseline in _chosen(cfg, "baseline").items()
    }


def _chosen(cfg: DictConfig, group: str) -> Any:
    """The options of a group that takes several; Hydra leaves the group out if it is empty."""
    return cfg.get(group) or {}


def filler_of(generator: nn.Module) -> Filler:
    """A generator as something that completes batches."""

    def fill(batch: Batch) -> torch.Tensor:
        return generator(batch.masked, batch.hole).completed(batch.image, batch.hole)

    return fill
