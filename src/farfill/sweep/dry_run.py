"""``sweep.dry_run=true``: what a sweep would start, and how long it would take on this machine."""

import gc
import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple, cast

import torch
from hydra import compose
from hydra.core.hydra_config import HydraConfig
from lightning import Callback, Trainer
from omegaconf import DictConfig, OmegaConf
from torch.utils.data import DataLoader, default_collate

from farfill.config.check import check_config
from farfill.config.instantiate import instantiate, instantiate_each, plain
from farfill.datamodule.inpainting import InpaintingData
from farfill.evaluation.score import score
from farfill.rundir.final_report import inpainter_of, measure_attention
from farfill.rundir.record import options
from farfill.sweep.plan import SEED, is_search, swept_options
from farfill.text import about
from farfill.types import Batch

PROBE_STEPS = 6  # at most; the first one does not count
PAINTED = 12  # pictures of the report, at most: four best, four worst and the first four
#: Settings that change nothing about how long things take, or not what a probe measures.
_FREE = frozenset(
    (SEED, "ablation", "callbacks", "ckpt_path", "init_from", "logger", "paths", "print_config")
) | {"question", "schedule", "sweep", "tags", "task_name", "val_seed"}
#: Where a number with a fraction is a length, a size or a share; elsewhere it weighs something.
_LENGTHS = frozenset(("alone", "data", "datamodule", "source", "stage", "trainer"))


class Cost(NamedTuple):
    """How long the parts of a run take, in seconds, and how many there are."""

    step: float  # a generator step
    validation: float  # one, of all pictures
    report: float  # the final one
    steps: int  # of the run that was probed
    validate_every: int  # steps

    def of_run(self, cfg: DictConfig) -> float:
        """Seconds of a run that differs in length at most; its last step has a validation."""
        steps, every = self.steps, self.validate_every
        if _has_plain_length(cfg):
            steps, every = cfg.trainer.max_steps, cfg.trainer.val_check_interval
        return steps * self.step + math.ceil(steps / every) * self.validation + self.report


class _StepTimes(Callback):
    """Ends a training after :func:`probe_steps`, and has the time at which each had ended."""

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        self.run_steps = trainer.estimated_stepping_batches
        self.times = [time.perf_counter()]

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.times.append(time.perf_counter())
        trainer.should_stop = len(self.times) > probe_steps(self.run_steps)

    def on_validation_start(self, *_: Any) -> None:
        self.validation = time.perf_counter()

    def on_validation_end(self, *_: Any) -> None:
        self.validation = time.perf_counter() - self.validation


def dry_run(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Print every run, by its overrides, with the time that it takes, judged by a probe.

    Runs that :func:`cost_key` takes for equally costly share a probe.

    The configuration is the sweep's, with its ``hydra`` node; Hydra has to be initialised.
    """
    jobs = [[text for text in job if "sweep.dry_run" not in options([text])] for job in jobs]
    chosen = [options(job) for job in jobs]
    composed: dict[tuple[str, ...], tuple[DictConfig, DictConfig]] = {}
    settings = [tuple(text for text in job if SEED not in options([text])) for job in jobs]
    told = ("hydra.mode=RUN", "hydra.runtime.output_dir=.", "hydra.runtime.cwd=.")
    for job, without_seed in zip(jobs, settings, strict=True):
        if without_seed not in composed or not options(job).get(SEED, "1").isdecimal():
            cfg = compose("train", [*job, *told], return_hydra_config=True)
            HydraConfig.instance().set_config(cfg)  # values may ask for the run's choices
            own = OmegaConf.masked_copy(cfg, [str(k) for k in cfg if k != "hydra"])
            check_config(own)
            composed[without_seed] = cfg, own
    keys = {setting: cost_key(own) for setting, (_, own) in composed.items()}
    name = config.hydra.runtime.choices["hydra/launcher"].replace("basic", "local")
    given = [text for text in config.hydra.overrides.hydra if text.startswith("hydra.launcher.")]
    print(f"Dry run of {len(jobs)} runs with {' '.join([f'hydra/launcher={name}', *given])}")
    if is_search(config):
        print(f"A search over {', '.join(config.hydra.sweeper.params)}")
    common = [text for text in jobs[0] if all(text in job for job in jobs)]
    if common and len(jobs) > 1:
        print(f"All with {' '.join(common)}")
    number = len(set(keys.values()))
    print(f"A probe of up to {PROBE_STEPS} generator steps for each of {number} different costs:")
    names = [*swept_options(chosen), SEED]
    costs: dict[str, Cost] = {}
    total = 0.0
    for number, setting in enumerate(settings):
        whole, cfg = composed[setting]
        HydraConfig.instance().set_config(whole)
        if keys[setting] not in costs:
            costs[keys[setting]] = probe(cfg)
            gc.collect()  # else processes of the next probe inherit what is left of this one's
        seconds = costs[keys[setting]].of_run(cfg)
        total += seconds
        swept = [f"{name}={chosen[number][name]}" for name in names if name in chosen[number]]
        step = f"{costs[keys[setting]].step:.3f} s/step"
        print(f"{number:4d}  {about(seconds):>12}  {step}  {' '.join(swept)}".rstrip(), flush=True)
    print(f"In all {about(total)} on one device of this machine. Nothing was started.")


def cost_key(cfg: DictConfig) -> str:
    """The same for runs of which nobody expects one step to take longer than the other's.

    They may differ in weights, rates and other numbers with a fraction, but for those that are
    lengths or shares (and but for 0, which may switch something off), in the seed, in what watches
    them, and in length.
    """
    lengths = ("max_steps", "val_check_interval") if _has_plain_length(cfg) else ()

    def costly(node: Any, exact: bool) -> Any:
        if isinstance(node, dict):
            kept = {key: value for key, value in node.items() if key not in (*_FREE, *lengths)}
            return {key: costly(value, exact or key in _LENGTHS) for key, value in kept.items()}
        if isinstance(node, list):
            return [costly(value, exact) for value in node]
        return "a number" if isinstance(node, float) and node and not exact else node

    return str(costly(plain(cfg), False))


def _has_plain_length(cfg: DictConfig) -> bool:
    """Whether a run has so many steps and validations as two of its numbers say."""
    flags = cfg.trainer
    endless = flags.max_steps < 1 or flags.max_epochs is not None or flags.fast_dev_run
    return not endless and isinstance(flags.val_check_interval, int)


def probe(cfg: DictConfig) -> Cost:
    """Measure the parts of a run.

    One process trains a few steps, validates one batch, and scores it, with the baselines and the
    distances that the report has; what it writes goes away again.

    Raises:
        ValueError: Nothing but a time limit ends the run.
    """
    module, data, watch = instantiate(cfg.module), instantiate(cfg.datamodule), _StepTimes()
    data.setup()
    loader = data.val_dataloader()
    # Without its processes: they take seconds to start, once in a run.
    batch = default_collate([loader.dataset[draw] for draw in loader.batch_sampler[0]])
    flags: dict[str, Any] = {
        **{"callbacks": [watch], "limit_val_batches": 0, "min_epochs": None},
        **{"devices": 1, "num_nodes": 1, "strategy": "auto"},
        **{"gradient_clip_val": None, "accumulate_grad_batches": 1},  # the module does both
        **{"logger": False, "enable_checkpointing": False},
        **{"enable_progress_bar": False, "enable_model_summary": False},
    }
    with TemporaryDirectory() as folder:
        trainer = instantiate(cfg.trainer, default_root_dir=folder, **flags)
        trainer.fit(module, data)
        if math.isinf(watch.run_steps):
            raise ValueError("a dry run needs trainer.max_steps or trainer.max_epochs")
        trainer.limit_val_batches = 1
        trainer.validate(module, DataLoader(cast(Any, [batch]), batch_size=None), verbose=False)
    seconds = [later - earlier for earlier, later in pairwise(watch.times)]
    return Cost(
        step=median(seconds[1:] or seconds),
        validation=watch.validation * len(loader),
        report=_report(cfg, module, batch, data),
        steps=int(watch.run_steps),
        validate_every=int(trainer.val_check_batch),
    )


@torch.inference_mode()
def _report(cfg: DictConfig, module: Any, batch: Batch, data: InpaintingData) -> float:
    """Seconds of the final report, judged by one of its batches.

    Baselines have two of the pictures: some take a second for each. Everything paints the pictures
    that are shown, once more.
    """
    batches = len(data.val_dataloader())
    generator = module.eval().generator.to("cpu").float()
    ours = inpainter_of(generator)
    baselines = [*instantiate_each(cfg.get("baseline")).values()]
    few = batch.split(2)[0]
    by_batch = _timed(score, ours, [batch], "cpu")
    for baseline in baselines:
        by_batch += _timed(score, baseline, [few], "cpu") * len(batch.image) / len(few.image)
    in_the_end = by_batch * min(batches, PAINTED / len(batch.image))
    for distance in module.metrics.distances:
        described = distance.describe(batch.image, batch).cpu()
        everything = torch.cat([described] * batches)
        by_batch += _timed(distance.describe, batch.image, batch) * (1 + len(baselines))
        in_the_end += _timed(distance.values, everything) * (1 + len(baselines))
    callbacks = cfg.get("callbacks") or {}
    if asked := callbacks.get("attention_diagnostics"):
        looked_at = min(batches, asked.pictures / len(batch.image))
        in_the_end += _timed(measure_attention, generator, [batch], data, callbacks) * looked_at
    return by_batch * batches + in_the_end


def _timed(action: Callable[..., Any], *arguments: Any) -> float:
    start = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - start


def probe_steps(run_steps: float) -> int:
    """How many steps to try of a run of ``run_steps``: a tenth, but a second one if there is."""
    return int(min(run_steps, max(2, min(PROBE_STEPS, run_steps // 10))))
