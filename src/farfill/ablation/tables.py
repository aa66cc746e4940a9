"""Tables of an ablation, in Markdown."""

import math
from collections.abc import Collection, Mapping, Sequence

from farfill.ablation.power import Shares
from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.sweep import BASELINE, Sweep
from farfill.ablation.verdict import (
    OPEN,
    Verdict,
    difference,
    is_untrained,
    power_of,
    summary,
)
from farfill.evaluation.statistics import LEVEL, Design, Estimate
from farfill.evaluation.table import PRINTED, arrow, interval_text, markdown_table
from farfill.metric.suite import NAMES
from farfill.rundir.record import Record, state, usable
from farfill.text import counted

COLUMNS = [name for name in PRINTED if name not in ("l2_hole", "psnr_hole")]
STATES = ("done", "failed", "missing")
#: What the learning curve is summed up in, in words.
TRAINING = {
    "l1_curve_mean": "mean of val/l1_hole over the run ↓",
    "l1_setbacks": "sum of its rises ↓",
}
NOTHING = "-"  # where nothing was measured
#: Baselines, if asked for, that are no rivals.
NO_FILLERS = {"truth (no filler)", "oracle (sees the truth)"}


def usual_metrics(sweep: Sweep) -> list[str]:
    """The usual columns, and what claims ask for besides."""
    asked = (claim["metric"] for claim in sweep.question.get("claims", ()))
    return list(dict.fromkeys([*COLUMNS, *(name for name in asked if name not in STATISTICS)]))


def measured_metrics(sweep: Sweep, region: str) -> list[str]:
    """Every metric over ``hole`` or ``full`` that a run was scored by."""
    scored = {name for run in sweep.records for scores in run.scores.values() for name in scores}
    return [name for name in NAMES if name in scored and name.endswith(f"_{region}")]


def claims(verdicts: Sequence[Verdict]) -> str:
    """One line per claim: what it says, its verdict, and the difference that decides it."""
    rows = []
    for one in verdicts:
        gap = interval_text(one.difference) if one.difference else NOTHING
        seeds = one.difference.runs if one.difference else 0
        p = f"{one.corrected:.2g}" if one.tested else NOTHING
        word = f"**{one.word}**" + (one.why and f" ({one.why})")
        rows.append((one.claim["says"], word, one.claim["metric"], gap, seeds, p))
    titles = ("claim", "verdict", "metric", "left - right", "seeds", "p, corrected")
    return markdown_table(titles, rows, text_columns=(0, 1, 2))


def details(verdicts: Sequence[Verdict]) -> str:
    """One line per claim: the sides, the test alone and corrected, and what it could have found."""
    rows = []
    for verdict in verdicts:
        expected = f"{verdict.claim['metric']} {verdict.claim['expects'].replace('_', ' ')}"
        expected += f", within {verdict.margin:.2g}" if verdict.margin else ""
        sides = [
            NOTHING if side is None else f"{side.mean:.4g}"
            for side in (verdict.left, verdict.right)
        ]
        if isinstance(counts := verdict.tested, Shares):
            sides = [f"{counts.left} of {counts.of_left}", f"{counts.right} of {counts.of_right}"]
        ps = [f"{p:.2g}" if verdict.tested else NOTHING for p in (verdict.p, verdict.corrected)]
        told = verdict.power or NOTHING
        plain = "open" if verdict.plain == OPEN else verdict.plain
        rows.append((verdict.claim["says"], expected, *sides, plain, *ps, told))
    titles = ("claim", "expects of left - right", "left", "right", "uncorrected verdict")
    more = ("p", "p, corrected", "what this design finds")
    return markdown_table((*titles, *more), rows, text_columns=(0, 1, 4, 7))


def warning(sweep: Sweep) -> str:
    """How many runs say less than the tables make of them, in a sentence; empty if none does."""
    trained = [run for run in sweep.records if not is_untrained(run)]
    states = [state(run) for run in trained]
    counts = {word: states.count(word) for word in STATES[1:]}
    counts |= {word: sum(word in flags(run) for run in trained) for word in CHECKS}
    told = [f"{count} {word}" for word, count in counts.items() if count]
    doubt = " What unsound runs show says nothing of the parts that are compared."
    learnt = doubt if any(map(flags, trained)) else ""
    return f"Of {counted(len(trained), 'run')}: {', '.join(told)}.{learnt}" if told else ""


def needs(sweep: Sweep, verdicts: Sequence[Verdict]) -> str:
    """One line per claim of a pilot: what it saw, and the seeds and hours that would decide it.

    Decide it, if the truth is what the pilot saw, with 80 % power at the strictest level that the
    correction for all claims can ask. Hours are of both cells' runs, one after the other.
    """
    rows, most = [], 0
    level = LEVEL / max(1, len(verdicts))
    for verdict in verdicts:
        power, seeds, why = power_of(verdict, level), NOTHING, verdict.why
        spread = verdict.tested.spread if isinstance(verdict.tested, Design) else math.nan
        hours = math.nan
        if power:
            seeds, why = str(power.seeds or NOTHING), "; ".join(filter(None, [why, power.why]))
            most = max(most, power.seeds or 0)
            sides = [sweep.find(verdict.claim[side])[1] for side in ("left", "right")]
            hours = (power.seeds or math.nan) * sum(mean_hours(side) for side in sides)
        gap = interval_text(verdict.difference) if verdict.difference else NOTHING
        found = verdict.difference.runs if verdict.difference else 0
        numbers = (gap, _number(spread, ".2g"), found, seeds, _number(hours, ".1f"), why)
        rows.append((verdict.claim["says"], verdict.claim["metric"], *numbers))
    titles = ("claim", "metric", "left - right", "spread over seeds", "seeds here")
    more = ("seeds needed", "hours", "remarks")
    table = markdown_table((*titles, *more), rows, text_columns=(0, 1, 7), padded=True)
    if not most:
        return f"{table}\n\nNo claim says how many seeds it needs."
    every = most * sum(mean_hours(cell) for cell in sweep.cells.values())
    return (
        f"{table}\n\nAll {len(sweep.cells)} cells with {most} seeds: {_number(every, '.1f')} hours."
    )


def mean_hours(cell: Sequence[Record]) -> float:
    """How long a run of a cell takes; 0 for a baseline, NaN if no run says."""
    if all(BASELINE in run.cell for run in cell):
        return 0.0
    known = [run.hours for run in cell if usable(run) and not math.isnan(run.hours)]
    return sum(known) / len(known) if known else math.nan


def _number(value: float, digits: str) -> str:
    return NOTHING if math.isnan(value) else f"{value:{digits}}"


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

    Metrics that no cell has are left out. The best of those that learnt, or need not learn, is in
    bold. With ``minus``, a cell and its label, paired differences from it instead of means.
    """
    means = {
        title: [
            difference(cell, minus[1], name) if minus else summary(cell, name) for name in names
        ]
        for title, cell in cells.items()
        if not minus or title != minus[0]
    }
    measured = [n for n, _ in enumerate(names) if any(row[n] for row in means.values())]
    names = [[*names][n] for n in measured]
    means = {title: [row[n] for n in measured] for title, row in means.items()}
    untrained = {title for title, cell in cells.items() if all(map(is_untrained, cell))}
    rivals = [row for title, row in means.items() if title not in untrained | NO_FILLERS]
    best = [
        None if minus else _best(name, [row[n] for row in rivals]) for n, name in enumerate(names)
    ]
    rows = []
    for title, row in means.items():
        sizes = dict.fromkeys(f"{mean.runs} x {mean.images}" for mean in row if mean)
        counts = ", ".join(sizes) or NOTHING
        texts = []
        for mean, least in zip(row, best, strict=True):
            text = interval_text(mean) if mean else NOTHING
            if mean and not minus and not math.isnan(mean.spread):
                text += f" ± {mean.spread:.2g}"
            texts.append(f"**{text}**" if mean and mean.mean == least else text)
        rows.append((title, counts, *texts))
    titles = (TRAINING.get(name) or f"{name} {arrow(name)}".strip() for name in names)
    corner = f"minus {minus[0]}" if minus else "cell"
    return markdown_table((corner, "seeds x pictures", *titles), rows)


def _best(name: str, column: Sequence[Estimate | None]) -> float | None:
    """The best of several means, where a direction is better."""
    choose = {"↓": min, "↑": max}.get((TRAINING.get(name) or arrow(name))[-1:])
    found = [value.mean for value in column if value and not math.isnan(value.mean)]
    return choose(found) if choose and len(found) > 1 else None
