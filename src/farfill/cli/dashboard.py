"""Dashboard: create or update a saved workspace of Weights & Biases from code.

farfill-dashboard entity=me project=farfill
farfill-dashboard group_by=[attention] name=Attention
farfill-dashboard dry_run=true                           what it shows, without a network
"""

from dataclasses import asdict

import hydra
from omegaconf import DictConfig, OmegaConf

from farfill.config.arguments import command_line
from farfill.config.instantiate import check_settings
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors


@command_line(config="run/dashboard")
@hydra.main(version_base="1.3", config_path=str(conf_dir() / "run"), config_name="dashboard")
@one_line_errors
def main(cfg: DictConfig) -> None:
    """Entry point of ``farfill-dashboard``."""
    print(dashboard(cfg))


def dashboard(cfg: DictConfig) -> str:
    """Save the workspace, or say what it would be.

    Returns:
        The workspace's address; with ``dry_run`` its specification as YAML.

    Raises:
        ValueError: ``group_by`` names no swap, wandb-workspaces is not installed, nobody is logged
            in, or wandb refuses.
    """
    from farfill.tracking.dashboard import save, sections
    from farfill.tracking.loggers import SWAPS, wandb_errors

    if unknown := set(cfg.group_by) - set(SWAPS):
        raise ValueError(
            f"expected `group_by` to name swaps ({', '.join(SWAPS)}), got {', '.join(unknown)}"
        )
    check_settings(cfg, {"dry_run": bool})
    if cfg.dry_run:
        shown = [
            {"title": title, "panels": [asdict(panel) for panel in panels]}
            for title, panels in sections().items()
        ]
        specification = {"name": cfg.name, "group_by": cfg.group_by, "sections": shown}
        return OmegaConf.to_yaml(OmegaConf.create(specification)).strip()
    cure = "dry_run=true prints what it would show"
    try:
        with wandb_errors(cure):
            return save(cfg)
    except ImportError:
        raise ValueError(
            f"the dashboard needs wandb-workspaces: pip install 'farfill[dashboard]'; {cure}"
        ) from None


if __name__ == "__main__":
    main()
