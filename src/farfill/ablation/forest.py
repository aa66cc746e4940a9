"""Differences with their intervals, a row each: of claims, and of cells from the reference."""

import math
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from farfill.ablation.chart import STYLE, written
from farfill.ablation.sweep import Sweep
from farfill.ablation.verdict import AGREES, DIFFERS, Verdict, bounds, difference
from farfill.evaluation.statistics import Estimate
from farfill.evaluation.table import arrow

#: Okabe and Ito's green, vermilion and grey; the page has the same for its words.
GOOD, BAD, OPEN = "#009E73", "#D55E00", "#6E6E6E"
ROW_INCHES = 0.42
PANEL_INCHES = 3.2
LETTERS = 46  # of a claim in a line


class Row(NamedTuple):
    """A difference to draw."""

    title: str
    gap: Estimate
    colour: str
    low: float = math.nan  # ends of where a claim says that it is; NaN: nothing is claimed
    high: float = math.nan


def claims(verdicts: Sequence[Verdict], kind: str = "svg") -> bytes:
    """Every claim's difference beside the range that it claims, by metric; empty without any."""
    colours = {AGREES: GOOD, DIFFERS: BAD}
    panels: dict[str, list[Row]] = {}
    for one in verdicts:
        if one.difference is not None:
            title = textwrap.fill(str(one.claim["says"]), LETTERS)
            row = Row(title, one.difference, colours.get(one.word, OPEN), *bounds(one))
            panels.setdefault(f"{one.claim['metric']}, left - right", []).append(row)
    return _draw(panels, 1, kind)


def cells(sweep: Sweep, metrics: Sequence[str], kind: str = "svg") -> bytes:
    """Every other cell's difference from the reference, a panel per metric; empty without any."""
    reference = sweep.cells.get(sweep.reference_label)
    if reference is None:  # a baseline may be it
        reference = sweep.baselines[sweep.reference_label]
    panels: dict[str, list[Row]] = {}
    for metric in metrics:
        for title, runs in sweep.cells.items():
            gap = difference(runs, reference, metric)
            if title != sweep.reference_label and gap is not None:
                row = Row(title, gap, _colour(gap, arrow(metric)))
                panels.setdefault(f"{metric} {arrow(metric)}".strip(), []).append(row)
    return _draw(panels, 3, kind)


def _colour(gap: Estimate, better: str) -> str:
    """By whether all of the interval is on the better side, on the worse, or neither."""
    if not better or math.isnan(gap.low) or gap.low <= 0 <= gap.high:
        return OPEN
    return GOOD if (gap.high < 0) == (better == "↓") else BAD


def _draw(panels: Mapping[str, Sequence[Row]], columns: int, kind: str) -> bytes:
    """Panels in rows of ``columns``; those of one row have the same number of lines."""
    if not panels:
        return b""
    columns = min(columns, len(panels))
    lines = [*panels.items()]
    heights = [
        max(len(rows) for _, rows in lines[start : start + columns])
        for start in range(0, len(lines), columns)
    ]
    with style.context(STYLE):
        width = PANEL_INCHES * (columns + 1) if columns > 1 else 2.5 * PANEL_INCHES
        size = width, ROW_INCHES * sum(heights) + 0.75 * len(heights)
        figure = Figure(figsize=size, layout="constrained")
        places = figure.subplots(
            len(heights), columns, squeeze=False, height_ratios=[n + 1 for n in heights]
        )
        for axes, (title, rows) in zip(places.flat, lines, strict=False):
            _fill(axes, title, rows, named=axes in places[:, 0])
        for axes in places.flat[len(lines) :]:
            axes.set_axis_off()
        return written(figure, kind)


def _fill(axes: Axes, title: str, rows: Sequence[Row], named: bool) -> None:
    places = range(len(rows))
    for place, row in zip(places, rows, strict=True):
        axes.plot(row.gap.mean, place, "o", color=row.colour, markersize=5)
        axes.hlines(place, row.gap.low, row.gap.high, color=row.colour, linewidth=2)
    axes.axvline(0, color="0.3", linewidth=0.8)
    low, high = axes.get_xlim()
    for place, row in zip(places, rows, strict=True):
        if not math.isnan(row.low):
            ends = max(low, row.low), min(high, row.high)
            axes.fill_betweenx(
                (place - 0.4, place + 0.4), *ends, color=GOOD, alpha=0.1, linewidth=0
            )
    axes.set_xlim(low, high)
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_yticks(places, [row.title for row in rows] if named else [""] * len(rows))
    axes.grid(axis="y", visible=False)
    axes.locator_params(axis="x", nbins=4)  # long numbers of small differences
    axes.set_title(title, loc="left")
