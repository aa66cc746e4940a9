"""Configurations as a command composes them."""

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from farfill.config.paths import conf_dir

#: What Hydra would say when it starts a training.
STARTED = ["paths.output_dir=."]


def composed(
    *overrides: str, name: str = "train", folder: str = ".", hydra: bool = False
) -> DictConfig:
    """``conf/<folder>/<name>.yaml`` with what a user types; ``hydra``: and Hydra's own part."""
    started = STARTED if name == "train" else []
    with initialize_config_dir(str((conf_dir() / folder).resolve()), version_base="1.3"):
        return compose(name, [*started, *overrides], return_hydra_config=hydra)
