"""Evaluate: score a checkpoint on a frozen list of pictures and holes."""

from __future__ import annotations

from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from farfill.run.errors import one_line_errors
from farfill.run.paths import conf_dir


@hydra.main(version_base="1.3", config_path=str(conf_dir()), config_name="evaluate")
@one_line_errors
def main(cfg: DictConfig) -> None:
    """Entry point of ``farfill-evaluate``."""
    print(evaluate(cfg, Path(HydraConfig.get().runtime.output_dir)))


def evaluate(cfg: DictConfig, folder: Path) -> str:
    """Score ``cfg.ckpt_path`` and leave tables, pictures and the manifest in ``folder``.

    Args:
        cfg: Whole configuration (``conf/evaluate.yaml``).
        folder: See :func:`farfill.evaluation.report.report`.

    Returns:
        The table in Markdown, and where the rest lies.

    Raises:
        ValueError: If there is no such checkpoint, or the data differ from ``cfg.manifest``.
    """
    from farfill.checkpoint import load_generator, read_checkpoint
    from farfill.evaluation import manifest, report
    from farfill.run.build import build_baselines, build_data, filler_of
    from farfill.run.device import find_device

    if cfg.ckpt_path is None:
        raise ValueError("say which checkpoint to score: ckpt_path=runs/.../checkpoints/best.ckpt")
    trained = read_checkpoint(cfg.ckpt_path)["farfill"]["config"]
    for name in ("image_size", "box_size"):
        cfg[name] = trained[name] if cfg[name] is None else cfg[name]
    device = find_device(cfg.device)
    data = build_data(cfg)
    data.setup()
    loader = data.val_dataloader()
    found = manifest.build(loader, data.val_set.paths, cfg.seed, str(cfg.mask._target_))
    if cfg.manifest is not None:
        manifest.check(found, manifest.read(cfg.manifest))
    fillers = {
        Path(cfg.ckpt_path).name: filler_of(load_generator(cfg.ckpt_path).to(device)),
        **build_baselines(cfg),
    }
    table = report.report(folder, fillers, loader, found, device, cfg.pictures, cfg.by)
    return f"{table}\nTables, best and worst pictures, manifest: {folder}"
