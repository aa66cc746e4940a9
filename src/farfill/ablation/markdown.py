"""Tables of an ablation, as markdown."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

from farfill.ablation.measure import difference, summary
from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.statistics import Summary
from farfill.ablation.sweep import Sweep
from farfill.ablation.verdict import Verdict
from farfill.evaluation.table import arrow
from farfill.metric.suite import NAMES
from farfill.rundir.record import Record, state

COLUMNS = (
    "l1_hole",
    "relative_l1_full",
    "relative_l2_full",
    "psnr_full",
    "ssim_full",
    "tv_anisotropic_full",
)
STATES = ("done", "failed", "missing")
NOTHING = "-"


def metrics(sweep: Sweep) -> list[str]:
    """Columns of the tables: the usual ones, and what claims ask for besides."""
    asked = (claim["metric"] for claim in sweep.question.get("claims", ()))
    return list(dict.fromkeys([*COLUMNS, *(name for name in asked if name not in STATISTICS)]))


def claims(verdicts: Sequence[Verdict]) -> str:
    """One line per claim: what it says, the numbers, and the verdict."""
    rows = []
    for one in verdicts:
        expected = f"{one.claim['metric']} {one.claim['expects'].replace('_', ' ')}"
        if one.margin:
            expected += f", within {one.margin:.2g}"
        word = f"**{one.word}**" + (f" ({one.why})" if one.why else "")
        gap = one.difference
        seeds = str(gap.seeds) if gap else "0"
        numbers = (number(one.left), number(one.right), interval(gap), seeds)
        rows.append((one.claim["says"], expected, *numbers, word))
    titles = (
        "claim",
        "expects of left minus right",
        "left",
        "right",
        "difference",
        "seeds",
        "verdict",
    )
    return table(titles, rows, "llrrrrl")


def runs(sweep: Sweep) -> str:
    """One line per cell: how its runs ended, and which were unsound."""
    rows = []
    for name, cell in sweep.cells.items():
        states = [state(run) for run in cell]
        unsound = [flags(run) for run in cell]
        counts = [str(states.count(word)) for word in STATES]
        counts += [str(sum(check in one for one in unsound)) for check in CHECKS]
        rows.append((name, *counts, _remarks(cell)))
    return table(("cell", *STATES, *CHECKS, "remarks"), rows, "l" + "r" * 7 + "l")


def measured(sweep: Sweep, region: str) -> list[str]:
    """Every metric over ``hole`` or ``full`` that a run was scored by."""
    scored = {name for run in sweep.records for one in run.scores.values() for name in one}
    return [name for name in NAMES if name in scored and name.endswith(f"_{region}")]


def means(sweep: Sweep, names: Sequence[str]) -> str:
    """One line per cell and baseline: mean, interval, spread over seeds."""
    rows = []
    for title, cell in [*sweep.cells.items(), *sweep.baselines.items()]:
        found = [summary(cell, name) for name in names]
        rows.append((title, _counts(found), *(f"{interval(one)}{spread(one)}" for one in found)))
    return table(("cell", "seeds x pictures", *_titles(names)), rows, "l" + "r" * (len(names) + 1))


def differences(sweep: Sweep) -> str:
    """One line per other cell and baseline: its paired difference from the reference."""
    names = metrics(sweep)
    reference = sweep.reference_label
    rows = []
    for title, cell in [*sweep.cells.items(), *sweep.baselines.items()]:
        if title != reference:
            found = [difference(cell, sweep.cells[reference], name) for name in names]
            rows.append((title, _counts(found), *(interval(one) for one in found)))
    titles = (f"minus {reference}", "seeds x pictures", *_titles(names))
    return table(titles, rows, "l" + "r" * (len(names) + 1))


def training(sweep: Sweep) -> str:
    """One line per cell: the two statistics of its learning curve."""
    names = ("l1_curve_mean", "l1_setbacks")
    rows = [
        (title, *(f"{interval(one)}{spread(one)}" for one in (summary(cell, n) for n in names)))
        for title, cell in sweep.cells.items()
    ]
    titles = ("cell", "mean of val/l1_hole over the run ↓", "sum of its rises ↓")
    return table(titles, rows, "lrr")


def table(titles: Sequence[str], rows: Iterable[Sequence[str]], sides: str) -> str:
    """A markdown table; ``sides`` has l or r for every column."""
    marks = ["---:" if side == "r" else "---" for side in sides]
    lines = [titles, marks, *rows]
    return "\n".join(f"| {' | '.join(_safe(cell) for cell in line)} |" for line in lines) + "\n"


def number(value: Summary | None) -> str:
    """A mean alone."""
    return NOTHING if value is None else f"{value.mean:.4g}"


def interval(value: Summary | None) -> str:
    """``mean [low, high]``."""
    if value is None:
        return NOTHING
    if math.isnan(value.low):
        return f"{value.mean:.4g} [n/a]"
    return f"{value.mean:.4g} [{value.low:.4g}, {value.high:.4g}]"


def spread(value: Summary | None) -> str:
    """``± standard deviation of the seeds' means``."""
    return "" if value is None or math.isnan(value.spread) else f" ± {value.spread:.2g}"


def _titles(names: Sequence[str]) -> list[str]:
    return [f"{name} {arrow(name)}".strip() for name in names]


def _counts(found: Sequence[Summary | None]) -> str:
    first = next((one for one in found if one is not None), None)
    return NOTHING if first is None else f"{first.seeds} x {first.images}"


def _remarks(cell: Sequence[Record]) -> str:
    """Which seeds did not finish or are unsound, and why."""
    words = []
    for run in cell:
        found = [state(run), *flags(run)]
        notes = [word for word in dict.fromkeys(found) if word != "done"]
        if notes:
            reason = f": {run.error}" if run.error else ""
            words.append(f"seed {run.seed} {', '.join(notes)}{reason}")
    return "; ".join(words)


def _safe(text: str) -> str:
    """Nothing in a cell may end it."""
    return " ".join(text.replace("|", "\\|").split())
