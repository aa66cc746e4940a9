"""Tables of an ablation, in Markdown."""

import math
from collections.abc import Mapping, Sequence

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
STATES = ("done", "failed", "missing")
#: What the learning curve is summed up in, in words.
TRAINING = {
    "l1_curve_mean": "mean of val/l1_hole over the run ↓",
    "l1_setbacks": "sum of its rises ↓",
}
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
    for claim, left, right, gap, margin, word, why in verdicts:
        expected = f"{claim['metric']} {claim['expects'].replace('_', ' ')}"
        expected += f", within {margin:.2g}" if margin else ""
        sides = [f"{side.mean:.4g}" if side else NOTHING for side in (left, right)]
        numbers = (*sides, interval_text(gap) if gap else NOTHING, gap.runs if gap else 0)
        rows.append((claim["says"], expected, *numbers, f"**{word}**" + (why and f" ({why})")))
    titles = ("claim", "expects of left - right", "left", "right", "difference", "seeds", "verdict")
    return markdown_table(titles, rows, text_columns=(0, 1, 6))


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


def metrics(
    cells: Mapping[str, Sequence[Record]],
    names: Sequence[str],
    minus: tuple[str, Sequence[Record]] | None = None,
) -> str:
    """One line per cell: of every metric the mean, its interval and its spread over seeds.

    Args:
        cells: Label -> runs by seed.
        names: Of the metrics.
        minus: A cell to give the others' paired differences from, instead of their means.
    """
    rows = []
    for title, cell in cells.items():
        if minus is None:
            found = [summary(cell, name) for name in names]
        elif title != minus[0]:
            found = [difference(cell, minus[1], name) for name in names]
        else:
            continue
        first = next((one for one in found if one is not None), None)
        counts = f"{first.runs} x {first.images}" if first else NOTHING
        rows.append((title, counts, *(_interval(one, minus is None) for one in found)))
    titles = (TRAINING.get(name) or f"{name} {arrow(name)}".strip() for name in names)
    corner = f"minus {minus[0]}" if minus else "cell"
    return markdown_table((corner, "seeds x pictures", *titles), rows)


def _interval(value: Estimate | None, spread: bool) -> str:
    """``mean [low, high] ± standard deviation of the seeds' means``."""
    if value is None:
        return NOTHING
    more = f" ± {value.spread:.2g}" if spread and not math.isnan(value.spread) else ""
    return interval_text(value) + more


def _remarks(cell: Sequence[Record]) -> str:
    """Which seeds did not finish or are unsound, and why."""
    words = []
    for run in cell:
        notes = dict.fromkeys([state(run), *flags(run)])
        notes.pop("done", None)
        if notes:
            reason = f": {run.error}" if run.error else ""
            words.append(f"seed {run.seed} {', '.join(notes)}{reason}")
    return "; ".join(words)
