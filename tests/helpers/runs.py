"""Real runs of the real configuration, made tiny."""

from pathlib import Path

from omegaconf import DictConfig

from farfill.cli.evaluate import evaluate
from farfill.config.arguments import quote_paths
from farfill.config.names import renamed
from helpers.compose import composed
from train import train

TINY = [
    "data=sample",
    "baseline=[telea,mean_colour]",
    "image_size=32",
    "box_size=16",
    "batch_size=2",
    "channels=2",
    "critic_channels=2",
    "data.resize=48",
    "datamodule.workers=0",
    "logger=none",
    "trainer.max_steps=4",
    "trainer.val_check_interval=2",
    "trainer.log_every_n_steps=1",
    "trainer.accelerator=cpu",
    "trainer.enable_progress_bar=false",
    "trainer.enable_model_summary=false",
    "callbacks.last_checkpoint.every_n_train_steps=1",
]


#: What a scoring leaves beside the single pictures.
RESULTS = (
    *("table.md", "table.csv", "per_image.csv", "result.json", "manifest.json"),
    *("best.png", "worst.png", "random.png", "pictures/index.json"),
)


def compose_tiny(*overrides: str, name: str = "train", folder: Path | None = None) -> DictConfig:
    train = [*TINY, f"paths.output_dir='{folder or '.'}'"]
    base = train if name == "train" else ["datamodule.workers=0"]
    return composed(*base, *quote_paths(renamed(overrides)), name=name)


def tiny_train(folder: Path, *overrides: str) -> float | None:
    folder.mkdir(parents=True, exist_ok=True)
    return train(compose_tiny(*overrides, folder=folder))


def tiny_evaluate(folder: Path, *overrides: str) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    return evaluate(compose_tiny(*overrides, name="evaluate"), folder)
