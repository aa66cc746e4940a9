"""``sweep.dry_run=true``: what a sweep would start, and how long it would take on this machine."""

import math
import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from lightning import Callback, Trainer
from omegaconf import DictConfig, OmegaConf

from farfill.config.check import check_config
from farfill.config.instantiate import instantiate, instantiate_each
from farfill.evaluation.score import score
from farfill.rundir.final_report import inpainter_of
from farfill.rundir.record import options
from farfill.sweep.plan import SEED, is_search, swept_options

PROBE_STEPS = 6  # at most; the first one does not count


class _StepTimes(Callback):
    """Ends a training after :func:`probe_steps`, and has the time at which each had ended."""

    def on_train_start(self, trainer: Trainer, *_: Any) -> None:
        self.run_steps = trainer.estimated_stepping_batches
        self.times = [time.perf_counter()]

    def on_train_batch_end(self, trainer: Trainer, *_: Any) -> None:
        self.times.append(time.perf_counter())
        trainer.should_stop = len(self.times) > probe_steps(self.run_steps)


def dry_run(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Print every run, by its overrides, with the time that it takes, judged by a probe.

    The configuration is the sweep's, with its ``hydra`` node; Hydra has to be initialised.
    """
    jobs = [[text for text in job if "sweep.dry_run" not in options([text])] for job in jobs]
    chosen = [options(job) for job in jobs]
    probed: dict[tuple[str, ...], list[int]] = {}  # the seed changes nothing
    for number, job in enumerate(jobs):
        without_seed = tuple(text for text in job if SEED not in options([text]))
        probed.setdefault(without_seed, []).append(number)
    name = config.hydra.runtime.choices["hydra/launcher"].replace("basic", "local")
    given = [text for text in config.hydra.overrides.hydra if text.startswith("hydra.launcher.")]
    print(f"Dry run of {len(jobs)} runs with {' '.join([f'hydra/launcher={name}', *given])}")
    if is_search(config):
        print(f"A search over {', '.join(config.hydra.sweeper.params)}")
    common = [text for text in jobs[0] if all(text in job for job in jobs)]
    if common and len(jobs) > 1:
        print(f"All with {' '.join(common)}")
    print(f"A probe of up to {PROBE_STEPS} generator steps for each of {len(probed)} settings:")
    names = [*swept_options(chosen), SEED]
    total = 0.0
    told = ("hydra.mode=RUN", "hydra.runtime.output_dir=.", "hydra.runtime.cwd=.")
    for numbers in probed.values():
        cfg = compose("train", [*jobs[numbers[0]], *told], return_hydra_config=True)
        HydraConfig.instance().set_config(cfg)  # values may ask for the run's choices
        step, seconds = probe(OmegaConf.masked_copy(cfg, [str(k) for k in cfg if k != "hydra"]))
        total += seconds * len(numbers)
        for number in numbers:
            swept = [f"{name}={chosen[number][name]}" for name in names if name in chosen[number]]
            duration = str(timedelta(seconds=round(seconds)))
            row = f"{number:4d}  {duration:>8}  {step:.3f} s/step  {' '.join(swept)}"
            print(row.rstrip(), flush=True)
    duration = str(timedelta(seconds=round(total)))
    print(f"In all {duration} on one device of this machine. Nothing was started.")


def probe(cfg: DictConfig) -> tuple[float, float]:
    """Seconds of one generator step, and of a whole run.

    One process trains a few steps, validates and scores one batch; what it writes goes away again.

    Raises:
        ValueError: The run cannot be, or nothing but a time limit ends it.
    """
    check_config(cfg)
    module, data, watch = instantiate(cfg.module), instantiate(cfg.datamodule), _StepTimes()
    data.setup()
    batches = data.val_dataloader()
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
        start = time.perf_counter()
        trainer.validate(module, batches, verbose=False)
    validation = (time.perf_counter() - start) * len(batches)
    generator = module.eval().generator.to("cpu").float()
    start = time.perf_counter()
    for inpainter in (inpainter_of(generator), *instantiate_each(cfg.get("baseline")).values()):
        score(inpainter, [next(iter(batches))], "cpu")
    report = (time.perf_counter() - start) * len(batches)
    seconds = [later - earlier for earlier, later in pairwise(watch.times)]
    step = median(seconds[1:] or seconds)
    validations = math.ceil(watch.run_steps / trainer.val_check_batch)  # the last step has one
    return step, watch.run_steps * step + validations * validation + report


def probe_steps(run_steps: float) -> int:
    """How many steps to try of a run of ``run_steps``: a tenth, but a second one if there is."""
    return int(min(run_steps, max(2, min(PROBE_STEPS, run_steps // 10))))
