"""Real runs of the real configuration, made tiny."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import DictConfig

from farfill.cli.evaluate import evaluate
from farfill.cli.train import train
from farfill.config.paths import conf_dir

TINY = [
    "image_size=32", "box_size=16", "batch_size=2", "channels=2", "critic_channels=2",
    "data.resize=48", "datamodule.workers=0", "logger=none",
    "trainer.max_generator_steps=4", "trainer.validate_every=2", "trainer.log_every=1",
    "trainer.accelerator=cpu", "trainer.enable_progress_bar=false", "checkpoint.every=1",
]  # fmt: skip


def compose_tiny(*overrides: str, name: str = "train") -> DictConfig:
    base = TINY if name == "train" else ["datamodule.workers=0"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose(name, overrides=[*base, *overrides])


def tiny_train(folder: Path, *overrides: str) -> float | None:
    folder.mkdir(parents=True, exist_ok=True)
    paths = (f"paths.output_dir={folder}", "paths.work_dir=.")
    return train(compose_tiny(*paths, *overrides), folder)


def tiny_evaluate(folder: Path, *overrides: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return evaluate(compose_tiny(*overrides, name="evaluate"), folder)
