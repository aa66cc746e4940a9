"""What an ablation shows: learning and both players' losses of every cell, as SVG."""

import io
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib import rcParams, style
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from farfill.ablation import verdict
from farfill.ablation.sweep import Sweep
from farfill.evaluation.table import REGIONS, metric_title
from farfill.metric import attention
from farfill.rundir.record import CRITIC, VARIANCE, Curve, Record

DECADES = 30  # an axis becomes logarithmic where most values span more than this factor
FENCE = 3  # interquartile ranges beyond the quartiles that are "far out" (Tukey 1977)
FLATTENED = 4  # an axis this many times longer than what is not far out is cut
DASHES = "-", "--", ":"  # of lines, when all colours are taken
PANEL_INCHES = 3.8, 2.3
SCATTER_INCHES = 3.4
#: For ``matplotlib.style.context``, in which a figure is made, filled and written.
STYLE = Path(__file__).parent / "templates" / "figures.mplstyle"
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
#: Of the figures, in their order.
HEADINGS = (*COMPARED, "Losses")
#: Every cell has one more, with each term that the two players share.
TERMS = ("train/critic/", "train/generator/adversarial")


class Line(NamedTuple):
    """Several curves of one kind, such as the seeds of a cell, to draw as their mean and range."""

    title: str  # for the legend; empty: not in it
    curves: Sequence[Curve]  # values that are not finite leave a gap
    colour: int  # number of the style's, taken in turn


class Panel(NamedTuple):
    """Lines on axes of their own."""

    title: str
    lines: Sequence[Line]


def figures(sweep: Sweep, kind: str = "svg") -> dict[str, bytes]:
    """Heading -> SVG or PDF; only what was logged."""
    logged = dict.fromkeys(name for run in sweep.records for name in run.curves)
    cells = [*enumerate(sweep.cells.items())]
    drawn = {}
    for heading, columns in COMPARED.items():
        panels = [
            Panel(title, [_line(cell, runs, column, number) for number, (cell, runs) in cells])
            for column, title in columns.items()
            if column in logged
        ]
        if panels:
            drawn[heading] = draw(panels, kind=kind)

    losses = {column: title for column, title in LOSSES.items() if column in logged}
    terms = [name for name in logged if name.startswith(TERMS) and not name.endswith("/total")]
    words = [name.removeprefix("train/").replace("_", " ") for name in terms]
    panels = []
    for number, (cell, runs) in cells:
        for column, title in losses.items():
            panels.append(Panel(f"{title}: {cell}", [_line("", runs, column, number)]))
        if terms:
            lines = [_line(words[n], runs, name, n) for n, name in enumerate(terms)]
            panels.append(Panel(f"adversarial terms: {cell}", lines))
    if panels:
        width = len(panels) // len(cells)  # a row for every cell
        drawn["Losses"] = draw(panels, width if width > 1 else 3, kind)
    return drawn


def scatter(sweep: Sweep, metric: str = "l1_hole", kind: str = "svg") -> bytes:
    """Every other cell or baseline against the reference, a point per picture, as SVG or PDF.

    A point is a picture's mean over the seeds that both have. Empty if no two share any picture.
    """
    reference, rows = sweep.reference_label, {**sweep.cells, **sweep.baselines}
    pairs = {
        title: found
        for title, runs in rows.items()
        if title != reference and (found := by_picture(rows[reference], runs, metric)).size
    }
    if not pairs:
        return b""
    columns = min(3, len(pairs))
    lines = -(-len(pairs) // columns)
    with style.context(STYLE):
        side = SCATTER_INCHES
        figure = Figure(figsize=(side * columns, side * lines + 0.4), layout="constrained")
        grid = figure.subplots(lines, columns, squeeze=False).flat
        numbers = {title: number for number, title in enumerate(rows)}
        for axes, (title, (theirs, ours)) in zip(grid, pairs.items(), strict=False):
            both = np.concatenate([theirs, ours])
            if both.min() > 0 and both.max() > DECADES * both.min():
                axes.set(xscale="log", yscale="log")
            axes.axline((both.min(),) * 2, (both.max() + 1e-9,) * 2, color="0.6", linewidth=0.8)
            axes.scatter(theirs, ours, s=16, alpha=0.6, linewidths=0, color=f"C{numbers[title]}")
            lower = int((ours < theirs).sum())
            words = f"{title}: lower in {lower} of {len(ours)}"
            axes.set_title(textwrap.fill(words, 42), loc="left")
            axes.set_box_aspect(1)
        for axes in grid[len(pairs) :]:
            axes.set_axis_off()
        figure.supxlabel(f"{metric} of a picture, {reference}", fontsize=9)
        figure.supylabel(f"{metric}, as titled", fontsize=9)
        return written(figure, kind)


def by_picture(left: Sequence[Record], right: Sequence[Record], metric: str) -> np.ndarray:
    """A metric's means over common seeds, ``(2, pictures)``, where both sides have it."""
    first, second = (
        {run.seed: verdict.values(run, metric) for run in runs} for runs in (left, right)
    )
    pairs = [
        (one, other)
        for seed, one in first.items()
        if one is not None and (other := second.get(seed)) is not None
    ]
    if not pairs:
        return np.empty((2, 0))
    means = np.array(pairs).mean(axis=0)
    return means[:, np.isfinite(means).all(axis=0)]


def _line(title: str, runs: Sequence[Record], column: str, colour: int) -> Line:
    return Line(title, [run.curves[column] for run in runs if column in run.curves], colour)


def draw(panels: Sequence[Panel], columns: int = 3, kind: str = "svg") -> bytes:
    """Panels in rows of ``columns``, with one legend, so one colour per title, as SVG or PDF."""
    columns = min(columns, len(panels))
    rows = -(-len(panels) // columns)
    with style.context(STYLE):
        size = PANEL_INCHES[0] * columns, PANEL_INCHES[1] * rows + 0.6
        figure = Figure(figsize=size, layout="constrained")
        grid = figure.subplots(rows, columns, squeeze=False).flat
        for axes, panel in zip(grid, panels, strict=False):
            fill_panel(axes, panel)
        for axes in grid[len(panels) :]:
            axes.set_axis_off()
        figure.supxlabel("generator steps", fontsize=9)
        found = [axes.get_legend_handles_labels() for axes in figure.axes]
        handles = {label: handle for one in found for handle, label in zip(*one, strict=True)}
        if handles:
            fit = max(1, 30 * columns // (max(map(len, handles)) + 6))
            figure.legend(handles=handles.values(), loc="outside upper center", ncols=fit)
        return written(figure, kind)


def fill_panel(axes: Axes, panel: Panel) -> None:
    """Draw a panel's lines: the mean over curves, and a band from the least to the greatest."""
    axes.set_title(panel.title, loc="left")
    shown = [np.empty(0)]
    for title, curves, number in panel.lines:
        if curves:
            colour = f"C{number}"
            steps, mean, low, high = mean_and_range(curves)
            few = "." if len(steps) <= 20 else None
            dashes = DASHES[number // len(rcParams["axes.prop_cycle"]) % len(DASHES)]
            axes.plot(steps, mean, dashes, color=colour, marker=few, label=title or None)
            if len(curves) > 1:
                axes.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
            shown += [mean, low, high]
    values = np.concatenate(shown)
    if np.isfinite(values).any():
        fit_axis(axes, values[np.isfinite(values)])
    else:
        axes.text(0.5, 0.5, "nothing logged", transform=axes.transAxes, ha="center")
        axes.set(xticks=[], yticks=[])


def mean_and_range(curves: Sequence[Curve]) -> tuple[np.ndarray, ...]:
    """Steps, mean, least and greatest: at every step over those curves that are finite there."""
    steps = np.unique(np.concatenate([curve.steps for curve in curves]))
    table = np.full((len(curves), len(steps)), np.nan)
    for row, curve in zip(table, curves, strict=True):
        row[np.searchsorted(steps, curve.steps)] = curve.values
    finite = np.ma.masked_invalid(table)
    return steps, *(end(axis=0).filled(np.nan) for end in (finite.mean, finite.min, finite.max))


def fit_axis(axes: Axes, values: np.ndarray) -> None:
    """Choose the vertical axis so that no outlier among the finite ``values`` hides the others.

    It is logarithmic where most span decades (symmetrically so if some are not positive), else it
    is cut where some are far out; the panel then says how far they reach.
    """
    low, high = np.quantile(values, (0.05, 0.95))
    sizes = np.abs(values)
    usual = np.median(sizes)
    if values.min() > 0 and high > DECADES * low:
        axes.set_yscale("log")
    elif values.min() <= 0 and np.quantile(sizes, 0.95) > DECADES * usual > 0:
        # A power of ten: else ticks inside the linear part lie on each other.
        axes.set_yscale("symlog", linthresh=10 ** np.ceil(np.log10(usual)))
    else:
        first, third = np.quantile(values, (0.25, 0.75))
        reach = FENCE * (third - first)
        low, high = max(values.min(), first - reach), min(values.max(), third + reach)
        if np.ptp(values) > FLATTENED * (high - low) > 0:
            margin = 0.05 * (high - low)
            axes.set_ylim(low - margin, high + margin)
            note = f"axis cut: {values.min():.3g} to {values.max():.3g}"
            axes.text(0.98, 0.95, note, transform=axes.transAxes, ha="right", va="top", fontsize=7)


def written(figure: Figure, kind: str) -> bytes:
    """The figure as ``svg`` or ``pdf``, byte for byte the same whenever it is drawn."""
    file = io.BytesIO()
    date = {"svg": "Date", "pdf": "CreationDate"}[kind]
    figure.savefig(file, format=kind, metadata={date: None, "Creator": None})
    return file.getvalue()
