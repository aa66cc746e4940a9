"""What the dashboard shows, in plain words that a test can read, and how it is saved."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from omegaconf import DictConfig

from farfill.config.paths import conf_dir
from farfill.evaluation.table import REGIONS, arrow, metric_title
from farfill.files import atomic
from farfill.metric import attention
from farfill.metric.suite import METRICS, NAMES
from farfill.rundir.record import (
    AXIS,
    CRITIC,
    EXAMPLES,
    L1,
    OURS,
    PICTURES,
    VARIANCE,
)
from farfill.tracking.loggers import OBJECTIVE, SCORES, filler_key
from farfill.tracking.wandb import BEST

#: Metrics with a panel that has the baselines' bars beside the run's.
REPORTED = ("l1_hole", "psnr_hole", "ssim_full", "tv_anisotropic_full")


@dataclass(frozen=True)
class Panel:
    """One panel: lines over generator steps, bars of the summary's values, pictures or a table."""

    kind: Literal["line", "bar", "media", "table"]
    title: str
    keys: Sequence[str] = ()  # logged names
    regex: str | None = None  # found in further names
    by: str | None = None  # swap that has a mean curve per option; None: as the runs are grouped


def sections() -> dict[str, list[Panel]]:
    """Heading -> panels, from the metrics' names in the code: a new metric has a panel."""
    validation = {
        f"Validation {words}": [
            Panel("line", metric_title(name, region), [f"val/{name}_{region}"]) for name in METRICS
        ]
        for region, words in REGIONS.items()
    }
    best = [
        Panel("bar", f"best {metric_title(*name.rsplit('_', 1))}", [f"val/{name}.{kept}"])
        for name in NAMES
        if (kept := BEST.get(arrow(name)))
    ]
    curves = (L1, L1.replace("_hole", "_full"), "train/generator/total", CRITIC, VARIANCE)
    shares = [f"val/attention_{name}" for name in attention.SHARES]
    others = [f"val/attention_{name}" for name in attention.NAMES if name not in attention.SHARES]
    return {
        **validation,
        "Best of the run": best,
        "Beside the baselines": [
            *(Panel("bar", metric_title(*name.rsplit("_", 1)), _beside(name)) for name in REPORTED),
            Panel("table", "the report's scores", [SCORES]),
            Panel("line", "what a search minimises", [OBJECTIVE]),
        ],
        "Learning curves by GAN loss": [_line(key, by="gan") for key in curves],
        "Training": [
            Panel("line", "terms of the generator's loss", regex="^train/generator/"),
            Panel("line", "terms of the critics' loss", regex="^train/critic/"),
            Panel("line", "seconds per generator step", regex="^train/time/"),
            Panel("line", "norms of the gradients", regex="^train/grad_norm/"),
            Panel("line", "skipped updates", regex="^train/skipped/"),
            Panel("line", "learning rates", regex="^lr-"),
            Panel("line", "share of clipped values in the holes", regex="^val/clipped_"),
            Panel("line", "L1 of the mean colour", regex="^val/mean_colour_"),
            _line(VARIANCE),
        ],
        "Attention": [
            Panel("line", "share of sources by distance", shares),
            *(_line(key) for key in others),
        ],
        "Pictures": [
            Panel("table", "the last validation's pictures", [EXAMPLES]),
            Panel("media", "every validation's pictures", [PICTURES]),
        ],
    }


def _beside(metric: str) -> list[str]:
    """The report's mean of the run and of every baseline that there is."""
    baselines = sorted(file.stem for file in (conf_dir() / "baseline").glob("*.yaml"))
    return [f"report/{filler}/{metric}" for filler in (filler_key(OURS), *baselines)]


def _line(key: str, by: str | None = None) -> Panel:
    """Titled by the key without its first part."""
    title = key.partition("/")[2].replace("_", " ").replace("/", ", ")
    return Panel("line", title, [key], by=by)


def save(cfg: DictConfig) -> str:
    """Bring the known workspace up to date, or make one; its address is returned and remembered.

    Raises:
        ImportError: wandb-workspaces, an optional package, is not installed.
        ValueError: There is no workspace at ``view``.
    """
    import wandb
    import wandb_workspaces.workspaces as ws
    from wandb_workspaces import expr

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
            name=title,
            panels=[_drawn(panel) for panel in panels],
            is_open=True,
            layout_settings=ws.SectionLayoutSettings(columns=4, rows=2),
            panel_settings=ws.SectionPanelSettings(x_axis=AXIS),
        )
        for title, panels in sections().items()
    ]
    # In a panel wandb draws ten runs unless told otherwise.
    workspace.settings = ws.WorkspaceSettings(x_axis=AXIS, max_runs=100)
    workspace.runset_settings = ws.RunsetSettings(
        # Another class of the same name than that of the panels.
        groupby=[expr.Config(f"swap.{name}") for name in cfg.group_by],
        pinned_columns=[
            f"summary:val/{name}" for name in ("l1_hole.min", "l1_full.min", "psnr_hole.max")
        ],
    )
    workspace.save()
    with atomic(memory) as part:
        addresses = {**known, key: workspace.url}
        part.write_text(json.dumps(addresses, indent=1) + "\n", encoding="utf-8")
    return str(workspace.url)


def _drawn(panel: Panel) -> Any:
    """A panel in the words of wandb-workspaces."""
    import wandb_workspaces.reports.v2 as wr

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
