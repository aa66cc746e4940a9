"""Which runs a sweep consists of, and how they differ."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from itertools import product
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from farfill.config.paths import conf_dir

SEED = "seed"


def jobs_of(config: DictConfig) -> list[list[str]]:
    """Overrides of every job of a sweep, in its order, as Hydra's own sweeper makes them.

    Of a search (``hparams_search=...``) only those that stay the same in all trials are known.

    Args:
        config: Whole configuration with its ``hydra`` node.
    """
    task: Any = OmegaConf.to_container(config.hydra.overrides.task)
    sweeper: Any = OmegaConf.to_container(config.hydra.sweeper)
    hydra = GlobalHydra.instance()  # of the command that runs, else one that reads conf/
    with ExitStack() as stack:
        if not hydra.is_initialized():
            stack.enter_context(initialize_config_dir(str(conf_dir()), version_base="1.3"))
        # The loader knows what glob(*) stands for.
        parser = OverridesParser.create(hydra.config_loader())
        if is_search(config):
            parsed = parser.parse_overrides(task)
            fixed = [str(each.input_line) for each in parsed if not each.is_sweep_override()]
            return [fixed] * sweeper["n_trials"]
        params = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
        choices: dict[str, list[str]] = {}  # the last of several counts
        for override in parser.parse_overrides([*params, *task]):
            key = override.get_key_element()
            if override.is_sweep_override():
                choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
            else:
                choices[key] = [f"{key}={override.get_value_element_as_str()}"]
    return [list(job) for job in product(*choices.values())]


def is_search(config: DictConfig) -> bool:
    """Whether a sweep finds its values as it goes (``hparams_search=...``)."""
    return "n_trials" in config.hydra.sweeper


def plan_of(path: Path) -> list[list[str]]:
    """Overrides of every job of a sweep's ``multirun.yaml``; none without one."""
    return jobs_of(cast(DictConfig, OmegaConf.load(path))) if path.is_file() else []


def swept_options(jobs: Sequence[Mapping[str, str]]) -> list[str]:
    """Options with more than one value, in the order in which they were given."""
    keys = dict.fromkeys(key for job in jobs for key in job if key != SEED)
    return [key for key in keys if len({job.get(key) for job in jobs}) > 1]


def cell_of(job: Mapping[str, str], swept: Iterable[str]) -> dict[str, str]:
    """The swept options of one job."""
    return {key: job[key] for key in swept if key in job}
