"""Train: the parts are built from the configuration, then Lightning runs them."""

from __future__ import annotations

import logging
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from farfill.files import atomic
from farfill.run.errors import in_sweep, one_line_errors
from farfill.run.paths import conf_dir
from farfill.run.quoting import quoted_paths

if TYPE_CHECKING:
    from farfill.datamodule.inpainting import InpaintingData
    from farfill.module.inpainting import Inpainting


@quoted_paths()
@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
@one_line_errors
def main(cfg: DictConfig) -> float | None:
    """Entry point of ``farfill-train``; the value is what a sweeper may minimise."""
    return train(cfg, Path(HydraConfig.get().runtime.output_dir))


def train(cfg: DictConfig, folder: Path) -> float | None:
    """Run one training and leave everything about it in ``folder``.

    Args:
        cfg: Whole configuration (``conf/train.yaml``).
        folder: Gets ``config.yaml``, ``metrics.csv``, ``checkpoints/``, ``pictures/``, ``report/``.

    Returns:
        The best value of ``checkpoint.monitor``, or None if nothing was validated.
    """
    from lightning import seed_everything

    from farfill.callback.attention_diagnostics import AttentionDiagnostics
    from farfill.callback.checkpoints import Checkpoints
    from farfill.callback.hole_variance import HoleVariance
    from farfill.callback.interrupt import Interrupt
    from farfill.callback.pace import Pace
    from farfill.callback.pictures import Pictures
    from farfill.callback.progress import Lines, Progress
    from farfill.callback.random_state import RandomState
    from farfill.checkpoint import load_weights
    from farfill.run.build import build_data, build_module, plain
    from farfill.run.check import check_boxes, check_numbers, check_resume
    from farfill.run.kinds import check_kinds
    from farfill.run.logger import open_loggers
    from farfill.run.machine import tune_processor
    from farfill.run.trainer import build_trainer, check_flags

    quiet()
    tune_processor()
    check_numbers(cfg)
    check_kinds(cfg)
    check_flags(cfg.trainer)
    if cfg.ckpt_path is not None:
        check_resume(cfg)
    seed_everything(cfg.seed, verbose=False)

    module = build_module(cfg)
    if cfg.init_from is not None:
        load_weights(module, cfg.init_from)
    data = build_data(cfg, cfg.trainer.max_generator_steps, module.gan.critic_steps + 1)
    data.setup()
    check_boxes(data, module.critics)
    claim(cfg, folder)

    interrupt = Interrupt()
    checkpoints = Checkpoints(
        folder / "checkpoints",
        description={"version": 1, "generator": plain(cfg.generator), "config": plain(cfg)},
        **cfg.checkpoint,
    )
    progress = Progress if sys.stdout.isatty() else Lines
    callbacks = [
        *([progress()] if cfg.trainer.enable_progress_bar else []),
        interrupt,
        RandomState(),
        Pace(),
        Pictures(folder / "pictures", cfg.pictures),
        AttentionDiagnostics(**cfg.attention_diagnostics),
        HoleVariance(),
        checkpoints,
    ]
    print(introduction(cfg, module, folder), flush=True)
    with open_loggers(cfg, folder) as loggers:
        trainer = build_trainer(cfg.trainer, callbacks, loggers, str(folder))
        trainer.fit(module, data, ckpt_path=cfg.ckpt_path, weights_only=True)

    if interrupt.stopped:
        resume = folder / "checkpoints" / "last.ckpt"
        print(f"Stopped at generator step {module.generator_steps}. Go on with ckpt_path={resume}")
        if in_sweep():
            raise KeyboardInterrupt  # ends the whole sweep, not this run alone
    elif trainer.is_global_zero:
        print(final_report(cfg, module, data, folder), flush=True)
    return checkpoints.best


def claim(cfg: DictConfig, folder: Path) -> None:
    """Write ``config.yaml``, by which a folder is this run's and no other's.

    Raises:
        ValueError: If the folder holds a run already, or another takes it at this moment.
    """
    path = folder / "config.yaml"
    try:
        if cfg.ckpt_path is None:
            path.touch(exist_ok=False)
    except FileExistsError:
        raise ValueError(
            f"{folder} already holds a run: go on with it by "
            f"ckpt_path={folder}/checkpoints/last.ckpt, or choose another hydra.run.dir "
            "(hydra.sweep.dir for a sweep)"
        ) from None
    with atomic(path) as part:
        OmegaConf.save(cfg, part, resolve=True)


def introduction(cfg: DictConfig, module: Inpainting, folder: Path) -> str:
    """What is about to happen, in three lines."""
    parameters = sum(p.numel() for p in module.generator.parameters())
    attention = cfg.attention._target_ if "attention" in cfg.generator else "none"
    return (
        f"Farfill: {cfg.trainer.max_generator_steps} generator steps with "
        f"{module.gan.critic_steps} critic steps each, "
        f"batch {cfg.batch_size}, {cfg.image_size} px pictures, {cfg.box_size} px boxes;\n"
        f"generator {parameters:,} parameters, attention {attention}.\n"
        f"Everything of this run goes into {folder}"
    )


def final_report(cfg: DictConfig, module: Inpainting, data: InpaintingData, folder: Path) -> str:
    """Score the generator beside classical baselines on the same validation holes."""
    from farfill.ablation.record import OURS
    from farfill.evaluation import manifest, report
    from farfill.run.build import build_baselines, filler_of

    module.eval()
    loader = data.val_dataloader()
    frozen = manifest.build(loader, data.val_set.paths, cfg.seed, str(cfg.mask._target_))
    fillers = {OURS: filler_of(module.generator.to("cpu")), **build_baselines(cfg)}
    table = report.report(folder / "report", fillers, loader, frozen)
    return f"\n{table}\nTables, best and worst pictures: {folder / 'report'}"


def quiet() -> None:
    """Silence what Lightning says on every start and nobody can act on."""
    logging.getLogger("lightning.pytorch.utilities.rank_zero").setLevel(logging.WARNING)
    messages = (
        ".*does not have many workers.*",
        ".*resuming from a checkpoint that ended.*",  # the stream starts where the run was cut
        ".*LeafSpec.*",
        ".*Experiment logs directory.*",  # earlier metrics have been moved aside
    )
    for message in messages:
        warnings.filterwarnings("ignore", message=message)
