"""Tables of an ablation, in Markdown."""

from __future__ import annotations

import math
from collections.abc import Sequence

from farfill.ablation.measure import difference, summary
from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.sweep import Sweep
from farfill.ablation.verdict import Verdict
from farfill.evaluation.statistics import Estimate
from farfill.evaluation.table import arrow, interval_text, markdown_table
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
STATES = ("finished", "failed", "missing")
TRAINING = {
    "l1_curve_mean": "mean of val/l1_hole over the run ↓",
    "l1_setbacks": "sum of its rises ↓",
}
CLAIMS = (
    "claim",
    "expects of left minus right",
    "left",
    "right",
    "difference",
    "seeds",
    "verdict",
)
NOTHING = "-"


def usual_metrics(sweep: Sweep) -> list[str]:
    """The usual columns, and what claims ask for besides."""
    asked = (claim["metric"] for claim in sweep.question.get("claims", ()))
    return list(dict.fromkeys([*COLUMNS, *(name for name in asked if name not in STATISTICS)]))


def measured_metrics(sweep: Sweep, region: str) -> list[str]:
    """Every metric over ``hole`` or ``full`` that a run was scored by."""
    scored = {name for run in sweep.records for scores in run.scores.values() for name in scores}
    return [name for name in NAMES if name in scored and name.endswith(f"_{region}")]


def claims(verdicts: Sequence[Verdict]) -> str:
    """One line per claim: what it says, the numbers, and the verdict."""
    rows = []
    for verdict in verdicts:
        claim, gap = verdict.claim, verdict.difference
        margin = f", within {verdict.margin:.2g}" if verdict.margin else ""
        sides = [f"{side.mean:.4g}" if side else NOTHING for side in (verdict.left, verdict.right)]
        rows.append(
            (
                claim["says"],
                f"{claim['metric']} {claim['expects'].replace('_', ' ')}{margin}",
                *sides,
                _interval(gap),
                gap.runs if gap else 0,
                f"**{verdict.word}**" + (f" ({verdict.why})" if verdict.why else ""),
            )
        )
    return markdown_table(CLAIMS, rows, text_columns=(0, 1, 6))


def runs(sweep: Sweep) -> str:
    """One line per cell: how its runs ended, and which were unsound."""
    rows = []
    for name, cell in sweep.cells.items():
        states, unsound = [state(run) for run in cell], [flags(run) for run in cell]
        counts = [states.count(word) for word in STATES]
        counts += [sum(check in failed for failed in unsound) for check in CHECKS]
        rows.append((name, *counts, _remarks(cell)))
    titles = ("cell", *STATES, *CHECKS, "remarks")
    return markdown_table(titles, rows, text_columns=(0, len(titles) - 1))


def means(sweep: Sweep, names: Sequence[str]) -> str:
    """One line per cell and baseline: mean, interval, spread over seeds."""
    rows = []
    for title, cell in [*sweep.cells.items(), *sweep.baselines.items()]:
        estimates = [summary(cell, name) for name in names]
        rows.append((title, _counts(estimates), *(_interval(one, True) for one in estimates)))
    return markdown_table(("cell", "seeds x pictures", *_titles(names)), rows)


def differences(sweep: Sweep) -> str:
    """One line per other cell and baseline: its paired difference from the reference."""
    names, reference = usual_metrics(sweep), sweep.reference_label
    rows = []
    for title, cell in [*sweep.cells.items(), *sweep.baselines.items()]:
        if title != reference:
            gaps = [difference(cell, sweep.cells[reference], name) for name in names]
            rows.append((title, _counts(gaps), *map(_interval, gaps)))
    return markdown_table((f"minus {reference}", "seeds x pictures", *_titles(names)), rows)


def training(sweep: Sweep) -> str:
    """One line per cell: the two statistics of its learning curve."""
    rows = [
        (title, *(_interval(summary(cell, name), True) for name in TRAINING))
        for title, cell in sweep.cells.items()
    ]
    return markdown_table(("cell", *TRAINING.values()), rows)


def _interval(value: Estimate | None, spread: bool = False) -> str:
    """``mean [low, high] ± standard deviation of the seeds' means``."""
    if value is None:
        return NOTHING
    more = f" ± {value.spread:.2g}" if spread and not math.isnan(value.spread) else ""
    return interval_text(value) + more


def _titles(names: Sequence[str]) -> list[str]:
    return [f"{name} {arrow(name)}".strip() for name in names]


def _counts(estimates: Sequence[Estimate | None]) -> str:
    first = next((one for one in estimates if one is not None), None)
    return NOTHING if first is None else f"{first.runs} x {first.images}"


def _remarks(cell: Sequence[Record]) -> str:
    """Which seeds did not finish or are unsound, and why."""
    words = []
    for run in cell:
        notes = [w for w in dict.fromkeys([state(run), *flags(run)]) if w != "finished"]
        if notes:
            reason = f": {run.error}" if run.error else ""
            words.append(f"seed {run.seed} {', '.join(notes)}{reason}")
    return "; ".join(words)
