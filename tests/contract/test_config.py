"""Every option is one YAML file and one class of the same name; nothing needs a list."""

from __future__ import annotations

import inspect
from importlib import import_module
from pathlib import Path

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from farfill.config.paths import conf_dir

#: Groups whose options are classes of the package of the same name. The others only compose.
MIRRORED = [
    "attention",
    "backbone",
    "baseline",
    "critic",
    "data",
    "datamodule",
    "gan",
    "generator",
    "loss",
    "mask",
    "metric",
]
#: Thin configs of well-known data sets, on top of data=folder.
THIN = {"places2", "celeba", "celeba_hq", "imagenet", "dtd"}
FILES = [
    file
    for group in MIRRORED
    for file in sorted((conf_dir() / group).glob("*.yaml"))
    if file.stem not in THIN
]


def composed(*overrides: str, name: str = "train", folder: str = "."):
    with initialize_config_dir(str((conf_dir() / folder).resolve()), version_base="1.3"):
        return compose(name, overrides=list(overrides))


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}={file.stem}")
def test_config_mirrors_code(file: Path):
    config = OmegaConf.load(file)
    module, _, name = config._target_.rpartition(".")
    assert module == f"farfill.{file.parent.name}.{file.stem}"
    signature = inspect.signature(getattr(import_module(module), name))
    assert set(config) - {"_target_", "_partial_"} == set(signature.parameters)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}={file.stem}")
def test_config_says_what_it_is(file: Path):
    lines = file.read_text().splitlines()
    assert any(line.startswith("# ") and "@package" not in line for line in lines[:2])


def test_paper_has_the_effective_weights_of_the_authors():
    cfg = composed("experiment=paper")
    assert [
        cfg.loss.discounted_l1.coarse,
        cfg.loss.discounted_l1.refined,
        cfg.loss.known_l1.coarse,
        cfg.loss.known_l1.refined,
        cfg.gan.weight,
        cfg.gan.penalty_weight,
    ] == [1.44, 1.2, 1.44, 1.2, 0.001, 10]
    assert cfg.gan.global_weight == 1


def test_paper_is_the_papers_recipe():
    cfg = composed("experiment=paper")
    assert (cfg.batch_size, cfg.image_size, cfg.box_size) == (16, 256, 128)
    assert (cfg.generator.channels, cfg.critic.channels) == (32, 64)
    assert cfg.gan.critic_steps == 5
    assert cfg.optimizer._target_ == "torch.optim.Adam"
    assert (cfg.optimizer.lr, list(cfg.optimizer.betas)) == (1e-4, [0.5, 0.9])
    assert cfg.datamodule.one_hole_per_batch
    attention = dict(cfg.generator.attention)
    assert attention.pop("_target_") == "farfill.attention.contextual.ContextualAttention"
    assert attention == {
        "patch_size": 3,
        "rate": 2,
        "stride": 1,
        "propagation": 3,
        "softmax_scale": 10.0,
    }
    assert set(cfg.loss) == {"discounted_l1", "known_l1"}


def test_both_gammas_are_named():
    assert composed("experiment=paper").loss.discounted_l1.gamma == "released"
    printed = composed("experiment=paper", "loss.discounted_l1.gamma=printed")
    assert printed.loss.discounted_l1.gamma == "printed"


def test_losses_come_and_go_on_the_command_line():
    assert set(composed("loss=[known_l1]").loss) == {"known_l1"}


def test_experiment_wins_over_the_defaults_and_the_command_line_over_both():
    assert composed().image_size != 256
    assert composed("experiment=paper", "batch_size=3").batch_size == 3


@pytest.mark.parametrize(
    ("name", "folder"), [("train", "."), ("evaluate", "."), ("inpaint", "run")]
)
def test_every_command_composes_and_resolves(name, folder):
    OmegaConf.resolve(composed(name=name, folder=folder))
