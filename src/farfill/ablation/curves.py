"""Which curves an ablation shows: learning, and both players' losses, of every cell."""

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
            drawn[heading] = draw(panels)

    losses = {column: title for column, title in LOSSES.items() if column in logged}
    terms = [name for name in logged if name.startswith(TERMS) and not name.endswith("/total")]
    panels = []
    for number, (cell, runs) in cells:
        for column, title in losses.items():
            panels.append(Panel(f"{title}: {cell}", [_line("", runs, column, number)]))
        if terms:
            lines = [_line(_term(name), runs, name, n) for n, name in enumerate(terms)]
            panels.append(Panel(f"adversarial terms: {cell}", lines))
    if panels:
        width = len(panels) // len(cells)  # a row for every cell
        drawn["Losses"] = draw(panels, width if width > 1 else 3)
    return drawn


def _line(title: str, runs: Sequence[Record], column: str, colour: int) -> Line:
    return Line(title, [run.curves[column] for run in runs if column in run.curves], colour)


def _term(column: str) -> str:
    return column.removeprefix("train/").replace("_", " ")
