"""Which curves an ablation shows: learning, and both players' losses, of every cell and seed."""

from __future__ import annotations

from collections.abc import Iterator

from farfill.ablation.chart import Line, mean_curve, svg
from farfill.ablation.record import Record
from farfill.ablation.stability import CRITIC, L1, VARIANCE
from farfill.ablation.sweep import Sweep

#: Compared between cells: thick lines are means over seeds, pale ones are single seeds.
TOGETHER = {"l1_hole": (L1, "validation L1 in the hole")}
TOGETHER |= {"hole_variance": (VARIANCE, "variance of completed holes, relative to the truth's")}
#: On scales of their own, so every cell has a panel with one line per seed.
APART = {"critic": (CRITIC, "critics' loss"), "generator": ("train/generator/total", "generator's")}


def panels(sweep: Sweep) -> dict[str, str]:
    """Name of a file without its extension -> SVG."""
    found = {}
    for name, (column, title) in TOGETHER.items():
        lines = list(_together(sweep, column))
        if lines:
            found[name] = svg(title, lines)
    for number, (cell, runs) in enumerate(sweep.cells.items()):
        for name, (column, title) in APART.items():
            lines = _apart(runs, column)
            if lines:
                found[f"{name}_{number}"] = svg(f"{title}: {cell}", lines)
    return found


def _together(sweep: Sweep, column: str) -> Iterator[Line]:
    for colour, (cell, runs) in enumerate(sweep.cells.items()):
        curves = [run.curves[column] for run in runs if column in run.curves]
        yield from (Line("", curve, colour, faint=True) for curve in curves)
        if curves:
            yield Line(cell, mean_curve(curves), colour)


def _apart(runs: list[Record], column: str) -> list[Line]:
    return [
        Line(f"seed {run.seed}", run.curves[column], colour)
        for colour, run in enumerate(runs)
        if column in run.curves
    ]
