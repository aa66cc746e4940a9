"""Which runs a sweep consists of, and how they differ."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, cast

from hydra import initialize_config_dir
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from farfill.config.paths import conf_dir

SEED = "seed"
PLAN = "multirun.yaml"


def jobs_of(config: DictConfig) -> list[list[str]]:
    """Overrides of every job of a sweep, in its order, as Hydra's own sweeper makes them.

    Of a search (``hparams_search=...``) only those that stay the same in all trials are known.

    Args:
        config: Whole configuration with its ``hydra`` node.
    """
    hydra: Any = {
        name: OmegaConf.to_container(config.hydra[name]) for name in ("sweeper", "overrides")
    }
    task = hydra["overrides"]["task"]
    with _config_loader() as loader:  # it knows what glob(*) stands for
        parser = OverridesParser.create(loader)
        if is_search(config):
            parsed = parser.parse_overrides(task)
            fixed = [str(each.input_line) for each in parsed if not each.is_sweep_override()]
            return [fixed] * hydra["sweeper"]["n_trials"]
        params = (hydra["sweeper"].get("params") or {}).items()
        choices: dict[str, list[str]] = {}  # the last of several counts
        for override in parser.parse_overrides([*(f"{k}={v}" for k, v in params), *task]):
            key = override.get_key_element()
            swept = override.is_sweep_override()
            values = (
                override.sweep_string_iterator() if swept else [override.get_value_element_as_str()]
            )
            choices[key] = [f"{key}={value}" for value in values]
    return [list(job) for job in product(*choices.values())]


def is_search(config: DictConfig) -> bool:
    """Whether a sweep finds its values as it goes (``hparams_search=...``)."""
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


@contextmanager
def _config_loader() -> Iterator[ConfigLoader]:
    """Hydra's, of the command that runs; else one that reads ``conf/``."""
    hydra = GlobalHydra.instance()
    if hydra.is_initialized():
        yield hydra.config_loader()
    else:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            yield hydra.config_loader()
