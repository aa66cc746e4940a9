"""``sweep.dry_run=true``: what a sweep would start, and how long it would take on this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from hydra import compose
from hydra.core.hydra_config import HydraConfig
from lightning import Callback
from omegaconf import DictConfig

from farfill.sweep.plan import SEED, is_search, options, swept_options

PROBE_STEPS = 6  # at most; the first one does not count


class StepTimes(Callback):
    """When training began and when every step of it had ended, in seconds."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_train_start(self, *_: Any) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())

    def on_train_batch_end(self, *_: Any) -> None:
        """Note the time."""
        self.times.append(time.perf_counter())


def dry_run(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Print every run with the time that a probe on this machine lets expect.

    Args:
        config: Of the sweep, with its ``hydra`` node; Hydra has to be initialised.
        jobs: Overrides of each run.
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
    for numbers in probed.values():
        step, run = probe(_composed(jobs[numbers[0]]))
        total += run * len(numbers)
        for number in numbers:
            swept = [f"{name}={chosen[number][name]}" for name in names if name in chosen[number]]
            row = f"{number:4d}  {_duration(run):>8}  {step:.3f} s/step  {' '.join(swept)}"
            print(row.rstrip(), flush=True)
    print(f"In all {_duration(total)} on one device of this machine. Nothing was started.")


def probe(cfg: DictConfig) -> tuple[float, float]:
    """Train a few steps, validate and score one batch; whatever that writes goes away again.

    One process does it, whatever the trainer's strategy.

    Args:
        cfg: Of one run.

    Returns:
        Seconds of one generator step, and of the whole run.
    """
    from farfill.cli.train import quiet
    from farfill.config.build import build_baselines, build_data, build_module, filler_of
    from farfill.config.trainer import build_trainer
    from farfill.evaluation.score import score

    quiet()
    run_steps, every = cfg.trainer.max_generator_steps, cfg.trainer.validate_every
    steps = probe_steps(run_steps)
    module = build_module(cfg)
    data = build_data(cfg, steps, module.gan.critic_steps + 1, cfg.trainer.accumulate_grad_batches)
    data.setup()
    batches = data.val_dataloader()
    watch = StepTimes()
    flags = {**cfg.trainer, "max_generator_steps": steps, "validate_every": steps, "devices": 1}
    flags |= {"strategy": "auto", "enable_progress_bar": False, "limit_val_batches": 1}
    with TemporaryDirectory() as folder:
        trainer = build_trainer(flags, [watch], [], folder)
        trainer.fit(module, data)
        start = time.perf_counter()
        trainer.validate(module, batches, verbose=False)
    validation = (time.perf_counter() - start) * len(batches)
    fillers = [filler_of(module.eval().generator.to("cpu").float()), *build_baselines(cfg).values()]
    start = time.perf_counter()
    for filler in fillers:
        score(filler, [next(iter(batches))], "cpu")
    report = (time.perf_counter() - start) * len(batches)
    seconds = [later - earlier for earlier, later in pairwise(watch.times)]
    step = median(seconds[1:] or seconds)
    validations = -(-run_steps // every)  # the last step is always validated
    return step, run_steps * step + validations * validation + report


def probe_steps(run_steps: int) -> int:
    """How many steps to try of a run of ``run_steps``: a tenth, but a second one if there is."""
    return min(run_steps, max(2, min(PROBE_STEPS, run_steps // 10)))


def _composed(job: Sequence[str]) -> DictConfig:
    """Configuration of one job of a sweep."""
    cfg = compose("train", overrides=[*job, "hydra.mode=RUN"], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)  # values may ask for the run's choices
    return cfg


def _duration(seconds: float) -> str:
    """``0:00:07``, ``2 days, 3:00:00``."""
    return str(timedelta(seconds=round(seconds)))
