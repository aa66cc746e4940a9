"""Tables of an ablation, in Markdown."""

import math
from collections.abc import Collection, Mapping, Sequence

from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.sweep import Sweep
from farfill.ablation.verdict import Verdict, difference, summary
from farfill.evaluation.table import PRINTED, arrow, interval_text, markdown_table
from farfill.metric.suite import NAMES
from farfill.rundir.record import Record, state

COLUMNS = [name for name in PRINTED if name not in ("l2_hole", "psnr_hole")]
STATES = ("done", "failed", "missing")
#: What the learning curve is summed up in, in words.
TRAINING = {
    "l1_curve_mean": "mean of val/l1_hole over the run ↓",
    "l1_setbacks": "sum of its rises ↓",
}
NOTHING = "-"  # where nothing was measured


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
        remarks: list[str] = []
        words: list[str] = []
        for run in cell:
            notes = dict.fromkeys([state(run), *flags(run)])
            words += notes
            notes.pop("done", None)
            if notes:
                reason = f": {run.error}" if run.error else ""
                remarks.append(f"seed {run.seed} {', '.join(notes)}{reason}")
        counts = [words.count(word) for word in (*STATES, *CHECKS)]
        rows.append((name, *counts, "; ".join(remarks)))
    titles = ("cell", *STATES, *CHECKS, "remarks")
    return markdown_table(titles, rows, text_columns=(0, len(titles) - 1))


def metrics(
    cells: Mapping[str, Sequence[Record]],
    names: Collection[str],
    minus: tuple[str, Sequence[Record]] | None = None,
) -> str:
    """One line per cell (label -> runs by seed): every metric's mean, interval, spread over seeds.

    With ``minus``, a cell and its label, paired differences from it instead of means.
    """
    rows = []
    for title, cell in cells.items():
        if minus and title == minus[0]:
            continue
        counts, texts = NOTHING, []
        for name in names:
            mean = difference(cell, minus[1], name) if minus else summary(cell, name)
            text = interval_text(mean) if mean else NOTHING
            if mean and not minus and not math.isnan(mean.spread):
                text += f" ± {mean.spread:.2g}"
            texts.append(text)
            if mean and counts == NOTHING:
                counts = f"{mean.runs} x {mean.images}"
        rows.append((title, counts, *texts))
    titles = (TRAINING.get(name) or f"{name} {arrow(name)}".strip() for name in names)
    corner = f"minus {minus[0]}" if minus else "cell"
    return markdown_table((corner, "seeds x pictures", *titles), rows)
