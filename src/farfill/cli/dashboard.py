"""Dashboard: create or update a saved workspace of Weights & Biases from code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import hydra
import yaml
from omegaconf import DictConfig

from farfill.config.paths import conf_dir
from farfill.config.validation import check_settings
from farfill.errors import one_line_errors
from farfill.files import atomic


@hydra.main(version_base="1.3", config_path=str(conf_dir() / "run"), config_name="dashboard")
@one_line_errors
def main(cfg: DictConfig) -> None:
    """Entry point of ``farfill-dashboard``."""
    print(dashboard(cfg))


def dashboard(cfg: DictConfig) -> str:
    """Save the workspace, or say what it would be.

    Args:
        cfg: Whole configuration (``conf/run/dashboard.yaml``).

    Returns:
        The workspace's address; with ``dry_run`` its specification as YAML.

    Raises:
        ValueError: ``group_by`` names no swap, wandb-workspaces is not installed, nobody is logged
            in, or wandb refuses.
    """
    from farfill.tracking.panels import sections
    from farfill.tracking.wandb_run import SWAPS

    if unknown := set(cfg.group_by) - set(SWAPS):
        raise ValueError(
            f"expected `group_by` to name swaps ({', '.join(SWAPS)}), got {', '.join(unknown)}"
        )
    check_settings(cfg, {"dry_run": bool})
    if cfg.dry_run:
        shown = [asdict(section) for section in sections()]
        whole = {"name": cfg.name, "group_by": list(cfg.group_by), "sections": shown}
        # By way of JSON, which knows no tuples.
        return yaml.safe_dump(
            json.loads(json.dumps(whole)), sort_keys=False, allow_unicode=True
        ).strip()
    try:
        import wandb_workspaces  # noqa: F401
    except ImportError:
        raise ValueError(
            "the dashboard needs wandb-workspaces: pip install 'farfill[dashboard]'; "
            "dry_run=true prints what it would show"
        ) from None
    import wandb

    try:
        return _save(cfg)
    except wandb.Error as error:
        raise ValueError(f"wandb: {error}") from error


def _save(cfg: DictConfig) -> str:
    """Bring the known workspace up to date, or make one; its address is remembered."""
    import wandb
    from wandb_workspaces.workspaces import Workspace

    from farfill.tracking.workspace import parts

    entity = str(cfg.entity or wandb.Api().default_entity)
    memory = Path(cfg.memory)
    # A workspace cannot be looked up by its name.
    known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    key = f"{entity}/{cfg.project}/{cfg.name}"
    address = cfg.view or known.get(key)
    content = parts(list(cfg.group_by))
    found = _found(address, must=cfg.view is not None) if address else None
    if found is None:
        found = Workspace(entity=entity, project=cfg.project, name=cfg.name, **content)
    else:
        found.name = cfg.name
        for name, part in content.items():
            setattr(found, name, part)
    found.save()
    with atomic(memory) as part:
        part.write_text(json.dumps({**known, key: found.url}, indent=1) + "\n", encoding="utf-8")
    return str(found.url)


def _found(address: str, must: bool) -> Any:
    """The workspace at an address; None if it is gone, unless it ``must`` be there."""
    from wandb_workspaces.workspaces import Workspace

    try:
        return Workspace.from_url(address)
    except ValueError as error:  # not found: it was deleted
        if must:
            raise ValueError(
                "expected `view` to be the address of a saved workspace, "
                f"https://.../entity/project?nw=..., got {address} ({error})"
            ) from None
        return None
