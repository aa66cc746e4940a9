"""The dashboard's sections in the words of wandb-workspaces, an optional package."""

import json
from pathlib import Path
from typing import Any

import wandb
import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from omegaconf import DictConfig
from wandb_workspaces import expr

from farfill.files import atomic
from farfill.rundir.record import AXIS
from farfill.tracking.panels import Panel, sections

COLUMNS = 4  # panels beside each other
MOST_RUNS = 100  # in a panel; wandb draws ten unless told otherwise
PINNED = ("val/l1_hole.min", "val/l1_full.min", "val/psnr_hole.max")  # in the list of runs


def save(cfg: DictConfig) -> str:
    """Bring the known workspace up to date, or make one; its address is returned and remembered.

    Args:
        cfg: Whole configuration (``conf/run/dashboard.yaml``).

    Raises:
        ValueError: There is no workspace at ``view``.
    """
    entity, memory = str(cfg.entity or wandb.Api().default_entity), Path(cfg.memory)
    # A workspace cannot be looked up by its name.
    known = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    key = f"{entity}/{cfg.project}/{cfg.name}"
    workspace = ws.Workspace(entity=entity, project=cfg.project, name=cfg.name, sections=[])
    if address := cfg.view or known.get(key):
        try:
            workspace = ws.Workspace.from_url(address)
        except ValueError as error:  # not found: it was deleted
            if cfg.view:
                raise ValueError(
                    "expected `view` to be the address of a saved workspace, "
                    f"https://.../entity/project?nw=..., got {address} ({error})"
                ) from None
    workspace.name = cfg.name
    workspace.sections = [
        ws.Section(
            name=section.title,
            panels=[_panel(panel) for panel in section.panels],
            is_open=True,
            layout_settings=ws.SectionLayoutSettings(columns=COLUMNS, rows=2),
            panel_settings=ws.SectionPanelSettings(x_axis=AXIS),
        )
        for section in sections()
    ]
    workspace.settings = ws.WorkspaceSettings(x_axis=AXIS, max_runs=MOST_RUNS)
    workspace.runset_settings = ws.RunsetSettings(
        # Another class of the same name than that of the panels.
        groupby=[expr.Config(f"swap.{name}") for name in cfg.group_by],
        pinned_columns=[f"summary:{name}" for name in PINNED],
    )
    workspace.save()
    with atomic(memory) as part:
        addresses = {**known, key: workspace.url}
        part.write_text(json.dumps(addresses, indent=1) + "\n", encoding="utf-8")
    return str(workspace.url)


def _panel(panel: Panel) -> Any:
    keys: list[Any] = list(panel.keys)
    if panel.kind == "table":
        return wr.WeavePanelSummaryTable(table_name=keys[0])
    if panel.kind == "media":
        axes: dict[str, Any] = {"grid_x_axis": "step", "grid_y_axis": "run"}
        return wr.MediaBrowser(title=panel.title, media_keys=keys, mode="grid", **axes)
    if panel.kind == "bar":
        return wr.BarPlot(title=panel.title, metrics=keys)
    drawn: dict[str, Any] = {"groupby_aggfunc": "mean", "groupby_rangefunc": "minmax"}
    if panel.by:
        drawn |= {"groupby": wr.Config(f"swap.{panel.by}"), "aggregate": True}
    return wr.LinePlot(title=panel.title, x=AXIS, y=keys, metric_regex=panel.regex, **drawn)
