"""Our presets of Hydra's launchers and sweepers, and the plugins that they need."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins

from farfill.config.paths import conf_dir

#: Plugin's package -> extra of ours that brings it.
_EXTRAS = {
    "hydra_submitit_launcher": "cluster",
    "hydra_joblib_launcher": "cluster",
    "hydra_optuna_sweeper": "optuna",
}


def own_presets_first() -> None:
    """Let ``conf/hydra`` stand for itself where a plugin has a configuration of the same name.

    Hydra would merge the two, with a warning, or refuse to.
    """
    Plugins.instance()  # imports the plugins, which puts their configurations into the store
    store: dict[str, Any] = ConfigStore.instance().repo["hydra"]
    for group in ("launcher", "sweeper"):
        for preset in (conf_dir() / "hydra" / group).glob("*.yaml"):
            store[group].pop(preset.name, None)


def check_plugins(hydra: Any) -> None:
    """Refuse a launcher or sweeper whose plugin is missing.

    Args:
        hydra: Hydra's own node of the configuration.

    Raises:
        ValueError: Says what to install.
    """
    for part in ("launcher", "sweeper"):
        package, _, _ = str(hydra[part]["_target_"]).removeprefix("hydra_plugins.").partition(".")
        if package in _EXTRAS and not _installed(f"hydra_plugins.{package}"):
            raise ValueError(
                f"hydra/{part}={hydra.runtime.choices[f'hydra/{part}']} needs a package that is "
                f"not installed: pip install 'farfill[{_EXTRAS[package]}]'"
            )


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
