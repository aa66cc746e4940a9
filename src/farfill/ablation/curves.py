"""Which curves an ablation shows: learning, and both players' losses, of every cell and seed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from farfill.ablation.chart import Line, mean_curve, svg
from farfill.ablation.stability import CRITIC, VARIANCE
from farfill.ablation.sweep import Sweep
from farfill.evaluation.table import REGIONS, metric_title
from farfill.metric import attention
from farfill.rundir.record import Record

#: Heading -> logged column -> title. Compared between cells: thick lines are means over seeds, pale
#: ones are single seeds. The file is called like the column, without its ``val/``.
TOGETHER = {
    "Validation": {
        **{
            f"val/{metric}_{region}": metric_title(metric, region)
            for metric in ("l1", "l2", "psnr", "ssim", "tv_anisotropic")
            for region in REGIONS
        },
        VARIANCE: "variance of completed holes, relative to the truth's",
    },
    "Attention": {
        f"val/attention_{name}": f"attention: {name.replace('_', ' ')}"
        for name in attention.NAMES
        if name not in attention.SHARES
    },
}
#: On scales of their own, so every cell has a panel with one line per seed.
APART = {"critic": (CRITIC, "critics' loss"), "generator": ("train/generator/total", "generator's")}
#: Every cell has one more, with the mean over seeds of each term that the two players share.
TERMS = ("train/critic/", "train/generator/adversarial")


def panels(sweep: Sweep) -> dict[str, dict[str, str]]:
    """Heading -> name of a file without its extension -> SVG; only what was logged."""
    found, losses = {}, {}
    for heading, figures in TOGETHER.items():
        drawn = {
            column.removeprefix("val/"): svg(title, lines)
            for column, title in figures.items()
            if (lines := list(_together(sweep, column)))
        }
        if drawn:
            found[heading] = drawn
    for number, (cell, runs) in enumerate(sweep.cells.items()):
        for name, (column, title) in APART.items():
            if lines := _apart(runs, column):
                losses[f"{name}_{number}"] = svg(f"{title}: {cell}", lines)
        if lines := list(_terms(runs)):
            losses[f"terms_{number}"] = svg(f"terms of the adversarial game: {cell}", lines)
    return found | ({"Losses": losses} if losses else {})


def _together(sweep: Sweep, column: str) -> Iterator[Line]:
    for colour, (cell, runs) in enumerate(sweep.cells.items()):
        curves = [run.curves[column] for run in runs if column in run.curves]
        yield from (Line("", curve, colour, faint=True) for curve in curves)
        if curves:
            yield Line(cell, mean_curve(curves), colour)


def _apart(runs: Sequence[Record], column: str) -> list[Line]:
    return [
        Line(f"seed {run.seed}", run.curves[column], colour)
        for colour, run in enumerate(runs)
        if column in run.curves
    ]


def _terms(runs: Sequence[Record]) -> Iterator[Line]:
    names = dict.fromkeys(name for run in runs for name in run.curves if name.startswith(TERMS))
    terms = [name for name in names if not name.endswith("/total")]
    for colour, name in enumerate(terms):
        curves = [run.curves[name] for run in runs if name in run.curves]
        yield Line(name.removeprefix("train/").replace("_", " "), mean_curve(curves), colour)
