"""``python ablations/estimate.py ablation=...``: what a sweep would take on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from hydra import compose, initialize_config_dir
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from lightning import Callback
from omegaconf import DictConfig, open_dict

from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.sweep.plan import SEED, jobs_of, options
from farfill.sweep.plugins import own_presets_first

PROBE = 20  # generator steps


class Cost(NamedTuple):
    """Seconds on this machine.

    Attributes:
        step: One generator step, the median of a probe.
        validation: One validation.
        report: The report at the end of a run.
    """

    step: float
    validation: float
    report: float

    def of_run(self, cfg: DictConfig) -> float:
        """Seconds of a whole run; the last step is always validated."""
        steps = cfg.trainer.max_generator_steps
        validations = -(-steps // cfg.trainer.validate_every)
        return steps * self.step + validations * self.validation + self.report


class Stopwatch(Callback):
    """Times every step and every validation."""

    def __init__(self) -> None:
        self.steps: list[float] = []
        self.validations: list[float] = []
        self._start = 0.0

    def on_train_batch_start(self, *_: Any) -> None:
        """A step begins, its batch is there."""
        self._start = time.perf_counter()

    def on_train_batch_end(self, *_: Any) -> None:
        """A step ends."""
        self.steps.append(time.perf_counter() - self._start)

    def on_validation_start(self, *_: Any) -> None:
        """A validation begins."""
        self._start = time.perf_counter()

    def on_validation_end(self, *_: Any) -> None:
        """A validation ends."""
        self.validations.append(time.perf_counter() - self._start)


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``ablations/estimate.py``: print seconds per step and hours per cell.

    Args:
        arguments: Those of ``src/train.py``; None: those of the process.
    """
    overrides = sys.argv[1:] if arguments is None else arguments
    overrides = [one for one in overrides if one not in ("-m", "--multirun")]
    own_presets_first()
    total = 0.0
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        jobs = plan(overrides)
        cells = cells_of(jobs)
        print(
            f"{len(jobs)} runs; a probe of {PROBE} generator steps for each of {len(cells)} cells"
        )
        for cell, runs in cells.items():
            cfg = composed(jobs[runs[0]])
            cost = probe(cfg)
            hours = cost.of_run(cfg) * len(runs) / 3600
            total += hours
            print(f"{cost.step:8.3f} s/step, {cfg.trainer.max_generator_steps} steps, "
                  f"{len(runs)} runs: {hours:.2f} h  {' '.join(cell)}", flush=True)  # fmt: skip
    print(f"In all {total:.2f} hours on this machine")


def cells_of(jobs: Sequence[Sequence[str]]) -> dict[tuple[str, ...], list[int]]:
    """Overrides without the seed -> numbers of the jobs that have them."""
    cells: dict[tuple[str, ...], list[int]] = {}
    for number, job in enumerate(jobs):
        cell = tuple(one for one in job if SEED not in options([one]))
        cells.setdefault(cell, []).append(number)
    return cells


def composed(job: Sequence[str]) -> DictConfig:
    """Configuration of one job of a sweep; Hydra has to be initialised."""
    cfg = compose("train", overrides=[*job, "hydra.mode=RUN"], return_hydra_config=True)
    HydraConfig.instance().set_config(cfg)  # values may ask for the run's choices
    return cfg


def plan(overrides: Sequence[str]) -> list[list[str]]:
    """Overrides of every job that ``src/train.py`` would start with ``overrides``."""
    parsed = OverridesParser.create().parse_overrides(list(overrides))
    fixed = [one.input_line or "" for one in parsed if not one.is_sweep_override()]
    whole = compose("train", overrides=fixed, return_hydra_config=True)
    with open_dict(whole):
        whole.hydra.overrides.task = [one for one in overrides if not one.startswith("hydra.")]
    return jobs_of(whole)


def probe(cfg: DictConfig) -> Cost:
    """Train a few steps, validate once and write a report, all in a folder that goes away.

    One process does it, whatever the trainer's strategy.

    Args:
        cfg: Of one run.
    """
    from farfill.cli.train import final_report, quiet
    from farfill.config.build import build_data, build_module
    from farfill.config.trainer import build_trainer

    quiet()
    module = build_module(cfg)
    updates = module.gan.critic_steps + 1
    data = build_data(cfg, PROBE, updates, cfg.trainer.accumulate_grad_batches)
    data.setup()
    watch = Stopwatch()
    flags = {**cfg.trainer, "max_generator_steps": PROBE, "validate_every": PROBE,
             "enable_progress_bar": False, "devices": 1, "strategy": "auto"}  # fmt: skip
    with TemporaryDirectory() as folder:
        build_trainer(flags, [watch], [], folder).fit(module, data)
        start = time.perf_counter()
        final_report(cfg, module, data, Path(folder))
        return Cost(median(watch.steps[5:]), watch.validations[-1], time.perf_counter() - start)
