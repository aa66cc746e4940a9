"""Which curves an ablation shows: learning, and both players' losses, of every cell."""

from __future__ import annotations

from collections.abc import Sequence

from farfill.ablation.chart import Line, Panel, draw
from farfill.ablation.stability import CRITIC, VARIANCE
from farfill.ablation.sweep import Sweep
from farfill.evaluation.table import REGIONS, metric_title
from farfill.metric import attention
from farfill.rundir.record import Record

#: Heading -> logged column -> title of a panel, in which all cells are compared.
COMPARED = {
    "Validation": {
        **{
            f"val/{metric}_{region}": metric_title(metric, region)
            for metric in ("l1", "l2", "psnr", "ssim", "tv_anisotropic")
            for region in REGIONS
        },
        VARIANCE: "variance of holes, relative to the truth's",
    },
    "Attention": {
        f"val/attention_{name}": f"attention: {name.replace('_', ' ')}"
        for name in attention.NAMES
        if name not in attention.SHARES
    },
}
#: On scales of their own, so every cell has a panel of each.
LOSSES = {CRITIC: "critics' loss", "train/generator/total": "generator's loss"}
#: Every cell has one more, with each term that the two players share.
TERMS = ("train/critic/", "train/generator/adversarial")


def figures(sweep: Sweep) -> dict[str, bytes]:
    """Heading -> SVG; only what was logged."""
    panels = {
        heading: [
            Panel(title, lines)
            for column, title in columns.items()
            if (lines := _by_cell(sweep, column))
        ]
        for heading, columns in COMPARED.items()
    }
    logged = dict.fromkeys(name for run in sweep.records for name in run.curves)
    losses = {column: title for column, title in LOSSES.items() if column in logged}
    terms = [n for n in logged if n.startswith(TERMS) and not n.endswith("/total")]
    panels["Losses"] = []
    for colour, (cell, runs) in enumerate(sweep.cells.items()):
        for column, title in losses.items():
            line = _line("", runs, column, colour)
            panels["Losses"].append(Panel(f"{title}: {cell}", line))
        if terms:
            lines = [
                line
                for number, name in enumerate(terms)
                for line in _line(_term(name), runs, name, number)
            ]
            panels["Losses"].append(Panel(f"adversarial terms: {cell}", lines))
    width = {"Losses": len(losses) + bool(terms)}
    return {heading: draw(made, width.get(heading, 3)) for heading, made in panels.items() if made}


def _by_cell(sweep: Sweep, column: str) -> list[Line]:
    return [
        line
        for colour, (cell, runs) in enumerate(sweep.cells.items())
        for line in _line(cell, runs, column, colour)
    ]


def _line(title: str, runs: Sequence[Record], column: str, colour: int) -> list[Line]:
    """One line for the runs that logged a column; none if no run did."""
    curves = [run.curves[column] for run in runs if column in run.curves]
    return [Line(title, curves, colour)] if curves else []


def _term(column: str) -> str:
    return column.removeprefix("train/").replace("_", " ")
