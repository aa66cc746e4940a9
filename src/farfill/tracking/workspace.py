"""The dashboard's sections in the words of wandb-workspaces, an optional package."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import wandb_workspaces.reports.v2 as wr
import wandb_workspaces.workspaces as ws
from wandb_workspaces import expr

from farfill.rundir.record import AXIS
from farfill.tracking.panels import Panel, Section, sections

COLUMNS = 4  # panels beside each other
MOST_RUNS = 100  # in a panel; wandb draws ten unless told otherwise
PINNED = ("val/l1_hole.min", "val/l1_full.min", "val/psnr_hole.max")  # in the list of runs


def parts(group_by: Sequence[str]) -> dict[str, Any]:
    """``sections``, ``settings`` and ``runset_settings`` of a ``Workspace``.

    Args:
        group_by: Swaps whose choices group the runs, the outermost first.
    """
    return {
        "sections": [_section(section) for section in sections()],
        "settings": ws.WorkspaceSettings(x_axis=AXIS, max_runs=MOST_RUNS),
        "runset_settings": ws.RunsetSettings(
            # Another class of the same name than that of the panels.
            groupby=[expr.Config(_swap(name)) for name in group_by],
            pinned_columns=[f"summary:{name}" for name in PINNED],
        ),
    }


def _section(section: Section) -> ws.Section:
    return ws.Section(
        name=section.title,
        panels=[_panel(panel) for panel in section.panels],
        is_open=True,
        layout_settings=ws.SectionLayoutSettings(columns=COLUMNS, rows=2),
        panel_settings=ws.SectionPanelSettings(x_axis=AXIS),
    )


def _panel(panel: Panel) -> Any:
    keys: list[Any] = list(panel.keys)
    if panel.kind == "table":
        return wr.WeavePanelSummaryTable(table_name=keys[0])
    if panel.kind == "media":
        return wr.MediaBrowser(title=panel.title, media_keys=keys, mode="grid",
                               grid_x_axis="step", grid_y_axis="run")  # fmt: skip
    if panel.kind == "bar":
        return wr.BarPlot(title=panel.title, metrics=keys)
    grouped: dict[str, Any] = (
        {"groupby": wr.Config(_swap(panel.by)), "aggregate": True} if panel.by else {}
    )
    return wr.LinePlot(
        title=panel.title, x=AXIS, y=keys, metric_regex=panel.regex,
        groupby_aggfunc="mean", groupby_rangefunc="minmax", **grouped,
    )  # fmt: skip


def _swap(name: str) -> str:
    return f"swap.{name}"
