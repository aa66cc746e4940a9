"""What a training says at its start and at its end."""

from collections.abc import Mapping
from pathlib import Path

from lightning import Trainer
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from farfill.baseline.protocol import Inpainter
from farfill.config.instantiate import instantiate_each
from farfill.datamodule.inpainting import InpaintingData
from farfill.evaluation import manifest, pictures
from farfill.evaluation.results import write_results
from farfill.module.inpainting import Inpainting
from farfill.rundir.record import OURS
from farfill.types import Batch


def inpainter_of(generator: nn.Module) -> Inpainter:
    """A generator as something that completes batches."""

    def complete(batch: Batch) -> Tensor:
        return generator(batch.masked, batch.hole).completed(batch.image, batch.hole)

    return complete


def named(baselines: Mapping[str, Inpainter]) -> dict[str, Inpainter]:
    """Classical baselines, labelled as such."""
    return {
        f"{name.replace('_', ' ')} (classical baseline)": baseline
        for name, baseline in baselines.items()
    }


def introduction(cfg: DictConfig, module: Inpainting, done: int) -> str:
    """What is about to happen, in three lines; with ``print_config`` the whole configuration."""
    parameters = sum(p.numel() for p in module.generator.parameters())
    attention = cfg.attention._target_ if "attention" in cfg.generator else "none"
    length = f"{cfg.trainer.max_steps} generator steps"
    return (
        (f"{OmegaConf.to_yaml(cfg, resolve=True)}\n" if cfg.print_config else "")
        + f"Farfill: {length if cfg.trainer.max_steps > 0 else f'{cfg.trainer.max_epochs} epochs'} "
        f"with {module.gan.critic_steps} critic steps each, "
        f"batch {cfg.batch_size}, {cfg.image_size} px pictures, {cfg.box_size} px boxes;\n"
        f"generator {parameters:,} parameters, attention {attention}.\n"
        + (f"Going on after generator step {done}.\n" if done else "")
        + f"Everything of this run goes into {cfg.paths.output_dir}"
    )


def best_value(trainer: Trainer) -> float | None:
    """Best of the monitored metric so far; None without a validation or a monitor."""
    best = getattr(trainer.checkpoint_callback, "best_model_score", None)
    return None if best is None else float(best)


def final_report(cfg: DictConfig, generator: nn.Module, data: InpaintingData) -> str:
    """Score a generator beside classical baselines on the same validation holes.

    Args:
        cfg: Whole configuration of the run.
        generator: Is moved to the processor, as float32, and left in evaluation mode.
        data: Set up.

    Returns:
        The table in Markdown, and where the rest lies.
    """
    generator = generator.eval().to("cpu").float()
    loader = data.val_dataloader()
    frozen = manifest.build(loader, data.val_set.paths, cfg.seed, str(cfg.mask._target_))
    inpainters = {OURS: inpainter_of(generator), **named(instantiate_each(cfg.get("baseline")))}
    folder = Path(cfg.paths.output_dir) / "report"
    attention = pictures.attention_maps(generator)
    table = write_results(folder, inpainters, loader, frozen, attention=attention)
    return f"\n{table}\nTables, best and worst pictures: {folder}"
