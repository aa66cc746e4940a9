"""Train: the parts are built from the configuration, then Lightning runs them."""

from __future__ import annotations

import logging
import signal
import sys
import warnings
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from farfill.config.paths import conf_dir
from farfill.config.quoting import quoted_paths
from farfill.errors import in_sweep, one_line_errors
from farfill.rundir.last import last_run

if TYPE_CHECKING:
    from farfill.callback.interrupt import Interrupt
    from farfill.datamodule.inpainting import InpaintingData
    from farfill.module.inpainting import Inpainting
    from farfill.rundir.resume import Start


@quoted_paths()
@last_run
@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="train")
@one_line_errors
def main(cfg: DictConfig) -> float | None:
    """Entry point of ``farfill-train``; the value is what a sweeper may minimise."""
    return train(cfg, Path(HydraConfig.get().runtime.output_dir))


def train(cfg: DictConfig, folder: Path) -> float | None:
    """Run one training, or go on with it, and leave everything about it in ``folder``.

    Args:
        cfg: Whole configuration (``conf/train.yaml``).
        folder: Gets ``config.yaml``, ``status.json``, ``metrics.csv``, ``checkpoints/``,
            ``pictures/``, ``report/``. A run of the same settings that it holds is gone on with.

    Returns:
        The best value of ``checkpoint.monitor``, or None if nothing was validated.

    Raises:
        ValueError: The settings do not fit together, or not the folder; nothing was changed.
        Diverged: Too many updates in a row were not finite.
    """
    from farfill.cli.processes import is_first
    from farfill.config.check import check_numbers
    from farfill.config.trainer import check_flags
    from farfill.config.validation import check_kinds
    from farfill.rundir.resume import claim, find_start, held
    from farfill.rundir.status import here, is_done, now, read_status, record

    quiet()
    check_numbers(cfg)
    check_kinds(cfg)
    check_flags(cfg.trainer)
    steps = cfg.trainer.max_generator_steps
    if not is_first():
        start = find_start(cfg, folder)
        return fit(cfg, folder, *prepare(cfg, start), start)
    with held(folder):
        start = find_start(cfg, folder)
        if is_done(folder, steps):
            if in_sweep():
                print(f"Done already: {folder}", flush=True)
                return read_status(folder).get("value")
            raise ValueError(
                f"the run in {folder} is done: raise trainer.max_generator_steps to go on, or "
                "choose another hydra.run.dir"
            )
        parts = prepare(cfg, start)
        claim(cfg, folder)
        work = partial(fit, cfg, folder, *parts, start)
        return record(folder, work, steps=steps, started=now(), **here())


def prepare(cfg: DictConfig, start: Start) -> tuple[Inpainting, InpaintingData]:
    """Build and check everything, before anything is written."""
    from lightning import seed_everything

    from farfill.checkpoint import load_weights
    from farfill.config.build import build_data, build_module
    from farfill.config.check import check_boxes
    from farfill.machine.processor import tune_processor

    tune_processor()
    seed_everything(cfg.seed, verbose=False)
    module = build_module(cfg)
    if start.checkpoint is None and cfg.init_from is not None:
        load_weights(module, cfg.init_from)
    if str(cfg.trainer.precision).startswith("64"):
        module.double()  # Lightning does it after it has read a checkpoint, and so loses half
    updates = module.gan.critic_steps + 1
    accumulate = cfg.trainer.accumulate_grad_batches
    data = build_data(cfg, cfg.trainer.max_generator_steps, updates, accumulate)
    data.setup()
    check_boxes(data, module.critics)
    return module, data


def fit(
    cfg: DictConfig, folder: Path, module: Inpainting, data: InpaintingData, start: Start
) -> float | None:
    """Train from ``start`` on, and report."""
    from farfill.callback.attention_diagnostics import AttentionDiagnostics
    from farfill.callback.checkpoints import Checkpoints
    from farfill.callback.heartbeat import Heartbeat
    from farfill.callback.hole_variance import HoleVariance
    from farfill.callback.interrupt import Interrupt
    from farfill.callback.pace import Pace
    from farfill.callback.pictures import Pictures
    from farfill.callback.progress import Lines, Progress
    from farfill.callback.random_state import RandomState
    from farfill.checkpoint import load_weights, read_checkpoint
    from farfill.cli.processes import together
    from farfill.config.build import plain
    from farfill.config.trainer import build_trainer
    from farfill.tracking.logger import open_loggers

    interrupt = Interrupt()
    checkpoints = Checkpoints(
        folder / "checkpoints",
        description={"version": 1, "generator": plain(cfg.generator), "config": plain(cfg)},
        **cfg.checkpoint,
    )
    whole = start.done >= cfg.trainer.max_generator_steps
    if start.checkpoint is not None and whole:  # cut off in its report
        load_weights(module, start.checkpoint)
        checkpoints.load_state_dict(read_checkpoint(start.checkpoint)["callbacks"]["Checkpoints"])
        print(final_report(cfg, module, data, folder), flush=True)
        return checkpoints.best

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
        Heartbeat(folder),
    ]
    with open_loggers(cfg, folder, start.done) as loggers:
        trainer = build_trainer(cfg.trainer, callbacks, loggers, str(folder))
        if trainer.is_global_zero:
            print(introduction(cfg, module, folder, start.done), flush=True)
        with together(trainer, folder, cfg.batch_size):
            trainer.fit(module, data, ckpt_path=start.checkpoint, weights_only=True)
    if interrupt.stopped and trainer.is_global_zero:
        hand_over(interrupt, module.generator_steps, folder)
    elif trainer.is_global_zero:
        print(final_report(cfg, module, data, folder), flush=True)
    return checkpoints.best


def hand_over(interrupt: Interrupt, step: int, folder: Path) -> None:
    """A signal has ended the run at a whole step: requeue it, or say how to go on.

    Raises:
        SystemExit: With 75 ("try again later") if it was not Ctrl-C, for whoever sent the signal.
        KeyboardInterrupt: In a sweep, to end all of it and not this run alone.
    """
    from farfill.rundir.status import write_status

    message = (
        f"Stopped at generator step {step}. The same command goes on with hydra.run.dir={folder}"
    )
    write_status(folder, "preempted", step=step, message=message)
    print(message, flush=True)
    interrupt.requeue()
    if interrupt.received != signal.SIGINT:
        raise SystemExit(75)
    if in_sweep():
        raise KeyboardInterrupt


def introduction(cfg: DictConfig, module: Inpainting, folder: Path, done: int) -> str:
    """What is about to happen, in three lines."""
    parameters = sum(p.numel() for p in module.generator.parameters())
    attention = cfg.attention._target_ if "attention" in cfg.generator else "none"
    return (
        f"Farfill: {cfg.trainer.max_generator_steps} generator steps with "
        f"{module.gan.critic_steps} critic steps each, "
        f"batch {cfg.batch_size}, {cfg.image_size} px pictures, {cfg.box_size} px boxes;\n"
        f"generator {parameters:,} parameters, attention {attention}.\n"
        + (f"Going on after generator step {done}.\n" if done else "")
        + f"Everything of this run goes into {folder}"
    )


def final_report(cfg: DictConfig, module: Inpainting, data: InpaintingData, folder: Path) -> str:
    """Score the generator beside classical baselines on the same validation holes."""
    from farfill.config.build import build_baselines, filler_of
    from farfill.evaluation import manifest, pictures, results
    from farfill.rundir.record import OURS

    module.eval()
    loader = data.val_dataloader()
    frozen = manifest.build(loader, data.val_set.paths, cfg.seed, str(cfg.mask._target_))
    fillers = {OURS: filler_of(module.generator.to("cpu").float()), **build_baselines(cfg)}
    attention = pictures.attention_maps(module.generator)
    table = results.write_results(folder / "report", fillers, loader, frozen, attention=attention)
    return f"\n{table}\nTables, best and worst pictures: {folder / 'report'}"


def quiet() -> None:
    """Silence what Lightning says on every start and nobody can act on."""
    for name in ("lightning.pytorch.utilities.rank_zero", "lightning.fabric"):
        logging.getLogger(name).setLevel(logging.WARNING)
    messages = (
        ".*does not have many workers.*",
        ".*resuming from a checkpoint that ended.*",  # the stream starts where the run was cut
        ".*LeafSpec.*",
        ".*Detected call of `lr_scheduler.step.*",  # of a first update that was skipped
        ".*It is recommended to use `self.log.*",  # what is logged is reduced already
        ".*`srun` command is available.*",  # on a login node one trains without it
    )
    for message in messages:
        warnings.filterwarnings("ignore", message=message)
