"""What Hydra left in a sweep's folder: which runs were planned, and which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

SEED = "seed"
PLAN = "multirun.yaml"


def jobs_of(config: DictConfig) -> list[list[str]]:
    """Overrides of every job of a sweep, in its order, as Hydra's own sweeper makes them.

    Of a search (``hydra/sweeper=optuna``) only those that stay the same in all trials are known.

    Args:
        config: Whole configuration with its ``hydra`` node.
    """
    hydra: Any = {
        name: OmegaConf.to_container(config.hydra[name]) for name in ("sweeper", "overrides")
    }
    sweeper, task = hydra["sweeper"], hydra["overrides"]["task"]
    texts = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    parse = OverridesParser.create().parse_overrides
    if is_search(config):
        fixed = [str(one.input_line) for one in parse(task) if not one.is_sweep_override()]
        return [fixed] * sweeper["n_trials"]
    return BasicSweeper.split_arguments(parse([*texts, *task]), None)[0]


def is_search(config: DictConfig) -> bool:
    """Whether a sweep finds its values as it goes (``hydra/sweeper=optuna``)."""
    return "n_trials" in config.hydra.sweeper


def options(overrides: Iterable[str]) -> dict[str, str]:
    """``["gan=hinge", "+seed=1"]`` as option -> value; the last of several counts."""
    pairs = (override.partition("=") for override in overrides)
    return {key.lstrip("+"): as_text(value) for key, _, value in pairs}


def as_text(value: Any) -> str:
    """A configured value as the command line has it: ``null``, ``true``, ``[a,b]``, ``0.5``."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str) and isinstance(value, Sequence):
        return f"[{','.join(as_text(item) for item in value)}]"
    return str(value).replace(" ", "").replace("'", "").replace('"', "")


def plan_of(path: Path) -> list[list[str]]:
    """Overrides of every job of a sweep's ``multirun.yaml``; none without one."""
    return jobs_of(cast(DictConfig, OmegaConf.load(path))) if path.is_file() else []


def swept_options(jobs: Sequence[Mapping[str, str]]) -> list[str]:
    """Options with more than one value, in the order in which they were given."""
    keys = dict.fromkeys(key for job in jobs for key in job if key != SEED)
    return [key for key in keys if len({job.get(key) for job in jobs}) > 1]


def cell_of(job: Mapping[str, str], swept: Sequence[str]) -> dict[str, str]:
    """The swept options of one job."""
    return {key: job[key] for key in swept if key in job}
