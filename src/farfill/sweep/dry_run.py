"""``sweep.dry_run=true``: what a sweep would start, and how long it would take."""

from __future__ import annotations

from collections.abc import Sequence

from omegaconf import DictConfig, OmegaConf

from farfill.sweep.estimate import PROBE, cells_of, composed, probe
from farfill.sweep.plan import is_search, options, swept_options

#: Knobs of the launchers that are worth a line.
_KNOBS = ("partition", "account", "timeout_min", "mem_gb", "gpus_per_node", "cpus_per_task",
          "tasks_per_node", "nodes", "n_jobs")  # fmt: skip


def dry_run(config: DictConfig, jobs: Sequence[Sequence[str]]) -> None:
    """Print every run with the hours that a probe on this machine lets expect.

    Args:
        config: Of the sweep, with its ``hydra`` node.
        jobs: Overrides of each run.
    """
    launcher = config.hydra.launcher
    knobs = [f"{name}={_text(launcher[name])}" for name in _KNOBS if name in launcher]
    jobs = [[one for one in job if "sweep.dry_run" not in options([one])] for job in jobs]
    chosen = [options(job) for job in jobs]
    common = [one for one in jobs[0] if all(one in job for job in jobs)] if len(jobs) > 1 else []
    cells = cells_of(jobs)
    name = config.hydra.runtime.choices["hydra/launcher"].replace("basic", "local")
    print(f"Dry run of {len(jobs)} runs with hydra/launcher="
          f"{' '.join([name, *knobs])}")  # fmt: skip
    if is_search(config):
        print(f"A search over {', '.join(config.hydra.sweeper.params)}")
    if common:
        print(f"All with {' '.join(common)}")
    print(f"A probe of {PROBE} generator steps on this machine for each of {len(cells)} cells:")
    names = swept_options(chosen)
    names += ["seed"] if len({one.get("seed") for one in chosen}) > 1 else []
    total = 0.0
    for numbers in cells.values():
        cfg = composed(jobs[numbers[0]])
        cost = probe(cfg)
        hours = cost.of_run(cfg) / 3600
        total += hours * len(numbers)
        for number in numbers:
            run = [f"{name}={chosen[number][name]}" for name in names if name in chosen[number]]
            print(
                f"{number:4d}  {hours:8.2f} h  {cost.step:.3f} s/step  {' '.join(run)}", flush=True
            )
    print(f"In all {total:.2f} hours on one device of this machine. Nothing was started.")


def _text(value: object) -> str:
    return "null" if value is None else str(OmegaConf.to_container(value)
                                            if OmegaConf.is_config(value) else value)  # fmt: skip
