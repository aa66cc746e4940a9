"""What the dashboard shows, in plain words that a test can read: sections of panels."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from farfill.callback.picture_table import KEY as TABLE
from farfill.evaluation.table import REGIONS, arrow, metric_title
from farfill.metric import attention
from farfill.metric.suite import METRICS, NAMES
from farfill.rundir.record import CRITIC, L1, VARIANCE
from farfill.tracking.wandb_run import BEST

SHEET = "val/pictures"
GENERATOR = "train/generator/total"


@dataclass(frozen=True)
class Panel:
    """One panel.

    Attributes:
        kind: ``line`` over generator steps, ``bar`` of a value in the summary, ``media`` or
            ``table`` of pictures.
        title: Above it.
        keys: Logged names it shows.
        regex: Found in further names that it shows.
        by: Swap whose options are drawn as one mean curve each; None: as the runs are grouped.
    """

    kind: Literal["line", "bar", "media", "table"]
    title: str
    keys: tuple[str, ...] = ()
    regex: str | None = None
    by: str | None = None


@dataclass(frozen=True)
class Section:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def sections() -> list[Section]:
    """The whole dashboard, from the metrics' names in the code: a new metric has a panel."""
    return [
        *(Section(f"Validation {words}", _metrics(region)) for region, words in REGIONS.items()),
        Section("Best of the run", tuple(_best())),
        Section("Learning curves by GAN loss", _lines((L1, _whole(L1), GENERATOR, CRITIC,
                                                       VARIANCE), by="gan")),
        Section("Training", (
            Panel("line", "terms of the generator's loss", regex="^train/generator/"),
            Panel("line", "terms of the critics' loss", regex="^train/critic/"),
            Panel("line", "seconds per generator step", regex="^train/time/"),
            Panel("line", "counts", regex="^train/[^/]+$"),
            *_lines((VARIANCE,)),
        )),
        Section("Attention", (
            Panel("line", "share of sources by distance", _attention(attention.SHARES)),
            *_lines(_attention(n for n in attention.NAMES if n not in attention.SHARES)),
        )),
        Section("Pictures", (
            Panel("table", "the last validation's pictures", (TABLE,)),
            Panel("media", "every validation's sheet", (SHEET,)),
        )),
    ]  # fmt: skip


def _metrics(region: str) -> tuple[Panel, ...]:
    return tuple(
        Panel("line", metric_title(name, region), (f"val/{name}_{region}",)) for name in METRICS
    )


def _best() -> Iterable[Panel]:
    for name in NAMES:
        if best := BEST.get(arrow(name)):
            metric, _, region = name.rpartition("_")
            yield Panel("bar", f"best {metric_title(metric, region)}", (f"val/{name}.{best}",))


def _lines(keys: Iterable[str], by: str | None = None) -> tuple[Panel, ...]:
    return tuple(Panel("line", _words(key), (key,), by=by) for key in keys)


def _words(key: str) -> str:
    return key.partition("/")[2].replace("_", " ").replace("/", ", ")


def _attention(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"val/attention_{name}" for name in names)


def _whole(key: str) -> str:
    return key.replace("_hole", "_full")
