"""What the intervals say about a claim; a metric's mean in a cell, and between two cells."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from farfill.ablation.power import Power, Shares, in_words, power_of_means, power_of_shares
from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.sweep import BASELINE, Sweep
from farfill.evaluation.ranges import SHARE, differing, possible, within
from farfill.evaluation.statistics import (
    LEVEL,
    Design,
    Estimate,
    by_cluster,
    counts_test,
    design,
    estimate,
    holm,
    range_test,
)
from farfill.metric.distance import is_of_sets
from farfill.rundir.record import OURS, Record, label, state, usable

AGREES = "agrees"
DIFFERS = "differs"
OPEN = "not distinguishable at this scale"

#: What a claim may expect of left minus right: the open range it lies in, in units of the margin.
EXPECTED = {
    "lower": (-math.inf, 0),
    "higher": (0, math.inf),
    "same": (-1, 1),
    "not_lower": (-1, math.inf),
    "not_higher": (-math.inf, 1),
}
KEYS = {"says", "metric", "left", "right", "expects"}
#: Metrics that a run has or has not: their runs are counted.
COUNTED = ("unstable", *(name.replace(" ", "_") for name in CHECKS))


class Verdict(NamedTuple):
    """A claim beside the numbers."""

    claim: Mapping[str, Any]  # as the ablation's file has it
    left: Estimate | None = None  # the cell's mean; None if nothing was measured
    right: Estimate | None = None
    difference: Estimate | None = None  # left minus right, paired; None if they share no seed
    margin: float = 0.0  # what still counts as the same, in the metric's units
    tested: Design | Shares | None = None  # what the test rests on; None: nothing was tested
    p: float = 1.0  # of AGREES or of DIFFERS, whichever is likelier
    plain: str = OPEN  # AGREES, DIFFERS or OPEN by this p
    corrected: float = 1.0  # p, corrected for all claims of the question
    word: str = OPEN  # the verdict: by the corrected p
    why: str = ""  # what stands in the way of a verdict, or makes it doubtful
    power: str = ""  # what could have been found, where the verdict is open


def judge_all(sweep: Sweep) -> list[Verdict]:
    """Hold all claims of a sweep's question against its runs, and correct them for each other.

    By Holm's rule, over every claim: one that could not be tested was planned like the others, and
    counts with a p of 1.
    """
    alone = [judge(sweep, claim) for claim in sweep.question.get("claims", ())]
    corrected = holm([verdict.p for verdict in alone])
    remaining = sum(p > LEVEL for p in corrected)
    verdicts = []
    for verdict, p in zip(alone, corrected, strict=True):
        if p <= LEVEL:
            verdicts.append(verdict._replace(corrected=p, word=verdict.plain))
        else:
            # The level at which Holm's rule would next take up one of those that remain.
            words = power_words(verdict, LEVEL / remaining)
            verdicts.append(verdict._replace(corrected=p, word=OPEN, power=words))
    return verdicts


def judge(sweep: Sweep, claim: Mapping[str, Any]) -> Verdict:
    """Hold a claim against the runs, as if it were the only one.

    It has ``says`` (a sentence), ``metric``, ``left`` and ``right`` (options that single out a cell
    each, or ``{baseline: telea}``), ``expects`` (of left minus right, see :data:`EXPECTED`) and,
    for all but lower and higher, ``within``, what still counts as the same: a share of the right
    cell's mean, or ``{absolute: x}`` in the metric's units. Other claims are refused
    (``ValueError``), and so is a margin for what counts runs (:data:`COUNTED`).

    Runs that never trained decide nothing, unless one side alone is untrained, as it is where the
    claim is about training. What else they would decide is about architectures, or its metric is at
    fault: two networks of one kind are equal before they train.
    """
    if missing := sorted(KEYS - set(claim)):
        raise ValueError(f"expected a claim to have {', '.join(sorted(KEYS))}; lacks {missing}")
    metric, expects = claim["metric"], claim["expects"]
    if expects not in EXPECTED:
        raise ValueError(f"expected `expects` to be one of {', '.join(EXPECTED)}, got {expects!r}")
    if (expects in ("lower", "higher")) == ("within" in claim):
        raise ValueError(f"expected `within` for all of {', '.join(EXPECTED)} but lower and higher")
    if metric in COUNTED and "within" in claim:
        raise ValueError(f"expected lower or higher of {metric}, which counts runs, got {expects}")
    share, absolute = _margin(claim.get("within", 0))
    try:
        left, right = sweep.find(claim["left"])[1], sweep.find(claim["right"])[1]
    except ValueError as error:
        return Verdict(claim, why=str(error))
    ours, theirs = summary(left, metric), summary(right, metric)
    margin = absolute + (share * abs(theirs.mean) if theirs else 0.0)
    verdict = Verdict(claim, ours, theirs, difference(left, right, metric), margin)
    if metric in COUNTED:
        verdict = _by_counts(verdict)
    else:
        verdict = _by_means(verdict, _pairs(left, right, metric))
    if verdict.tested is None:
        undefined = [label(side[0].cell) for side in (left, right) if is_undefined(side, metric)]
        where = f"{metric} is undefined in {' and in '.join(undefined)}"
        return verdict._replace(why=where) if undefined else verdict
    both = (*left, *right)
    unsound = [run for run in both if not is_untrained(run) and flags(run)]
    sides = {"left": left, "right": right}  # of which a classical filler cannot train
    networks = [
        run
        for name, runs in sides.items()
        if BASELINE not in claim[name]
        for run in runs
        if run.folder  # one that never started says nothing of training
    ]
    if networks and all(map(is_untrained, networks)):
        why = "none of these runs has trained"
        verdict = verdict._replace(tested=None, p=1.0, plain=OPEN, why=why)
    elif verdict.plain != OPEN and unsound and metric not in STATISTICS:
        why = f"but {len(unsound)} of {len(both)} runs are unsound, see below"
        verdict = verdict._replace(why=why)
    return verdict


def _margin(within: Any) -> tuple[float, float]:
    """A margin relative to the right cell's mean, and an absolute one; one of them is 0."""
    absolute = within.get("absolute") if isinstance(within, Mapping) else None
    size = within if absolute is None else absolute
    known = isinstance(within, int | float) or (absolute is not None and len(within) == 1)
    if not known or not isinstance(size, int | float) or not 0 <= size < math.inf:
        raise ValueError(
            "expected `within` to be a share of the right cell's mean, such as 0.05, or "
            f"{{absolute: 0.01}} in the metric's units, got {within!r}"
        )
    return (size, 0.0) if absolute is None else (0.0, size)


def bounds(verdict: Verdict) -> tuple[float, float]:
    """The range of differences that the claim allows."""
    ends = EXPECTED[verdict.claim["expects"]]
    low, high = (end * verdict.margin if end in (-1, 1) else float(end) for end in ends)
    return low, high


def _by_means(verdict: Verdict, rows: Sequence[np.ndarray]) -> Verdict:
    """Decide by the seeds' paired differences, ``(images,)`` each."""
    if not rows:
        return verdict._replace(why="no seed has this metric in both cells")
    if len(rows) < 2:
        return verdict._replace(why="one seed says nothing about others")
    values = np.stack(rows)
    p, inside = range_test(values, *bounds(verdict))
    plain = OPEN if p > LEVEL else AGREES if inside else DIFFERS
    return verdict._replace(tested=design(values), p=p, plain=plain)


def _by_counts(verdict: Verdict) -> Verdict:
    """Decide by the numbers of runs that have a property; they need not be pairs."""
    left, right = verdict.left, verdict.right
    if not left or not right:
        return verdict._replace(why="a cell has no run that says whether it has this")
    shares = Shares(*(round(n) for x in (left, right) for n in (x.mean * x.runs, x.runs)))
    gap, runs = left.mean - right.mean, min(left.runs, right.runs)
    shown = Estimate(gap, math.nan, math.nan, math.nan, runs, images=1)
    p = counts_test(*shares)
    up = verdict.claim["expects"] == "higher"
    plain = OPEN if p > LEVEL else AGREES if up == (gap > 0) else DIFFERS
    return verdict._replace(difference=shown, tested=shares, p=p, plain=plain)


def power_of(verdict: Verdict, level: float = LEVEL) -> Power | None:
    """What the design of a claim finds, and what the observed difference needs; None: no design."""
    if verdict.tested is None or verdict.difference is None:
        return None
    if isinstance(verdict.tested, Shares):
        return power_of_shares(verdict.tested, verdict.claim["expects"] == "higher", level)
    gap = float(verdict.difference.mean)
    return power_of_means(verdict.tested, gap, *bounds(verdict), level)


def power_words(verdict: Verdict, level: float = LEVEL) -> str:
    """What the design of a claim would find, and what the observed difference needs, in words."""
    power = power_of(verdict, level)
    return in_words(power, verdict.margin > 0) if power else ""


def values(record: Record, metric: str) -> np.ndarray | None:
    """What one run has for ``metric``, ``(clusters,)`` or ``(1,)``; None if nothing was measured.

    A metric is a column of the report's per-image table (``l1_hole``), a statistic of the training
    (:data:`~farfill.ablation.stability.STATISTICS`), or the end of the name of a validation curve
    (``attention_hit_rate``), whose last value counts. What is not finite is undefined. Pictures
    are averaged cluster by cluster, so that several holes of one count once.
    """
    measured: np.ndarray | None = None
    if metric in STATISTICS:
        if record.curves and state(record) != "failed":
            measured = np.array([STATISTICS[metric](record)], float)
    elif usable(record):
        measured = record.scores.get(OURS, {}).get(metric)
        if measured is not None and record.clusters:
            measured = by_cluster(measured, record.clusters, is_of_sets(metric))
        elif measured is None and (curve := record.curves.get(f"val/{metric}")):
            measured = curve.values[-1:]
    return measured


def is_undefined(runs: Sequence[Record], metric: str) -> bool:
    """Whether the metric was measured in a cell, and is defined nowhere."""
    measured = [row for run in runs if (row := values(run, metric)) is not None]
    return bool(measured) and not any(np.isfinite(row).any() for row in measured)


def is_untrained(record: Record) -> bool:
    """Whether a run was told to leave the networks as they were."""
    return record.config.get("learning_rate") == 0


def summary(runs: Sequence[Record], metric: str) -> Estimate | None:
    """A cell's mean over all seeds that have the metric; None if none has."""
    rows = [row for run in runs if (row := values(run, metric)) is not None]
    return _mean(_defined(rows), *_ends(metric))


def difference(left: Sequence[Record], right: Sequence[Record], metric: str) -> Estimate | None:
    """Mean of ``left - right``, seed by seed and picture by picture; None without a common seed."""
    return _mean(_pairs(left, right, metric), *differing(*_ends(metric)))


def _pairs(left: Sequence[Record], right: Sequence[Record], metric: str) -> list[np.ndarray]:
    """``left - right`` of every common seed."""
    ours, theirs = ({run.seed: values(run, metric) for run in runs} for runs in (left, right))
    pairs = ((row, theirs.get(seed)) for seed, row in ours.items())
    return _defined([row - other for row, other in pairs if row is not None and other is not None])


def _defined(rows: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Without runs for which nothing is defined, then without pictures undefined in any run."""
    rows = [row for row in rows if np.isfinite(row).any()]
    kept = np.isfinite(rows).all(axis=0) if rows else np.empty(0)
    return [row[kept] for row in rows] if kept.any() else []


def _ends(metric: str) -> tuple[float, float]:
    """Least and greatest value that a metric of a run, or of its pictures, can have."""
    return SHARE if metric in COUNTED else possible(metric)


def _mean(rows: Sequence[np.ndarray], low: float, high: float) -> Estimate | None:
    return within(estimate(np.stack(rows)), low, high) if rows else None
