"""What the dashboard shows, in plain words that a test can read: sections of panels."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from farfill.evaluation.table import REGIONS, arrow, metric_title
from farfill.metric import attention
from farfill.metric.suite import METRICS, NAMES
from farfill.rundir.record import CRITIC, EXAMPLES, L1, PICTURES, VARIANCE
from farfill.tracking.wandb import BEST

CURVES = (L1, L1.replace("_hole", "_full"), "train/generator/total", CRITIC, VARIANCE)


@dataclass(frozen=True)
class Panel:
    """One panel: lines over generator steps, bars of the summary's values, pictures or a table."""

    kind: Literal["line", "bar", "media", "table"]
    title: str
    keys: Sequence[str] = ()  # logged names
    regex: str | None = None  # found in further names
    by: str | None = None  # swap that has a mean curve per option; None: as the runs are grouped


@dataclass(frozen=True)
class Section:
    """Panels under a heading."""

    title: str
    panels: Sequence[Panel]


def sections() -> list[Section]:
    """The whole dashboard, from the metrics' names in the code: a new metric has a panel."""
    validation = {
        words: [
            Panel("line", metric_title(name, region), [f"val/{name}_{region}"]) for name in METRICS
        ]
        for region, words in REGIONS.items()
    }
    best = [
        Panel("bar", f"best {metric_title(*name.rsplit('_', 1))}", [f"val/{name}.{kept}"])
        for name in NAMES
        if (kept := BEST.get(arrow(name)))
    ]
    training = [
        Panel("line", "terms of the generator's loss", regex="^train/generator/"),
        Panel("line", "terms of the critics' loss", regex="^train/critic/"),
        Panel("line", "seconds per generator step", regex="^train/time/"),
        Panel("line", "counts", regex="^train/[^/]+$"),
        Panel("line", "learning rates", regex="^lr-"),
        *_lines([VARIANCE]),
    ]
    shares = [f"val/attention_{name}" for name in attention.SHARES]
    others = [f"val/attention_{name}" for name in attention.NAMES if name not in attention.SHARES]
    pictures = [
        Panel("table", "the last validation's pictures", [EXAMPLES]),
        Panel("media", "every validation's pictures", [PICTURES]),
    ]
    return [
        *(Section(f"Validation {words}", panels) for words, panels in validation.items()),
        Section("Best of the run", best),
        Section("Learning curves by GAN loss", _lines(CURVES, by="gan")),
        Section("Training", training),
        Section(
            "Attention", [Panel("line", "share of sources by distance", shares), *_lines(others)]
        ),
        Section("Pictures", pictures),
    ]


def _lines(keys: Iterable[str], by: str | None = None) -> list[Panel]:
    """A panel each, titled by the key without its first part."""
    words = {key: key.partition("/")[2].replace("_", " ").replace("/", ", ") for key in keys}
    return [Panel("line", title, [key], by=by) for key, title in words.items()]
