"""What the intervals say about a claim; a metric's mean in a cell, and between two cells."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from farfill.ablation.stability import CHECKS, STATISTICS, flags
from farfill.ablation.sweep import Sweep
from farfill.evaluation.statistics import Estimate, estimate
from farfill.rundir.record import OURS, Record, state, usable

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
POSITIVE, SHARE, COSINE = (0.0, np.inf), (0.0, 1.0), (-1.0, 1.0)
#: Metric, or the word before its first underscore -> what it can be; others can be anything.
RANGES = {
    **dict.fromkeys(("l1", "l2", "relative", "tv", "attention"), POSITIVE),
    **dict.fromkeys(("unstable", *(name.replace(" ", "_") for name in CHECKS)), SHARE),
    **dict.fromkeys(("attention_hit_rate", "attention_same_source"), SHARE),
    **dict.fromkeys(("ssim", "attention_similarity"), COSINE),
    "psnr": (-np.inf, 100.0),
}


class Verdict(NamedTuple):
    """A claim beside the numbers."""

    claim: Mapping[str, Any]  # as the ablation's file has it
    left: Estimate | None  # the cell's mean; None if nothing was measured
    right: Estimate | None
    difference: Estimate | None  # left minus right, paired; None if they share no seed
    margin: float  # what still counts as the same, in the metric's units; 0 where none is given
    word: str  # AGREES, DIFFERS or OPEN
    why: str  # what stands in the way of a verdict, or makes it doubtful; may be empty


def judge(sweep: Sweep, claim: Mapping[str, Any]) -> Verdict:
    """Hold a claim against the runs.

    It has ``says`` (a sentence), ``metric``, ``left`` and ``right`` (options that single out a cell
    each, or ``{baseline: telea}``), ``expects`` (of left minus right, see :data:`EXPECTED`) and,
    for all but lower and higher, ``within``: the share of the right cell's mean that still counts
    as the same. Other claims are refused (``ValueError``).
    """
    if missing := sorted(KEYS - set(claim)):
        raise ValueError(f"expected a claim to have {', '.join(sorted(KEYS))}; lacks {missing}")
    metric, expects = claim["metric"], claim["expects"]
    if expects not in EXPECTED:
        raise ValueError(f"expected `expects` to be one of {', '.join(EXPECTED)}, got {expects!r}")
    if (expects in ("lower", "higher")) == ("within" in claim):
        raise ValueError(f"expected `within` for all of {', '.join(EXPECTED)} but lower and higher")
    try:
        left, right = sweep.find(claim["left"])[1], sweep.find(claim["right"])[1]
    except ValueError as error:
        return Verdict(claim, None, None, None, 0.0, OPEN, str(error))
    ours, theirs = summary(left, metric), summary(right, metric)
    gap = difference(left, right, metric)
    margin = float(claim.get("within", 0)) * abs(theirs.mean) if theirs else 0.0
    word, why = decide(gap, expects, margin)
    unsound = [run for run in (*left, *right) if flags(run)]
    if word != OPEN and unsound and metric not in STATISTICS:
        why = f"but {len(unsound)} of {len(left) + len(right)} runs are unsound, see below"
    return Verdict(claim, ours, theirs, gap, margin, word, why)


def decide(gap: Estimate | None, expects: str, margin: float) -> tuple[str, str]:
    """Agrees if the whole interval lies in the allowed range, differs if all of it lies outside.

    Anything else is open; also given is why, if the interval was not asked.
    """
    if gap is None:
        return OPEN, "no seed has this metric in both cells"
    if gap.runs < 2:
        return OPEN, "one seed says nothing about others"
    low, high = (end * margin if end in (-1, 1) else end for end in EXPECTED[expects])
    if low < gap.low and gap.high < high:
        return AGREES, ""
    if gap.high < low or gap.low > high:
        return DIFFERS, ""
    return OPEN, ""


def values(record: Record, metric: str) -> np.ndarray | None:
    """What one run has for ``metric``, ``(images,)`` or ``(1,)``; None if nothing can be said.

    A metric is a column of the report's per-image table (``l1_hole``), a statistic of the training
    (:data:`~farfill.ablation.stability.STATISTICS`), or the end of the name of a validation curve
    (``attention_hit_rate``), whose last value counts.
    """
    measured: np.ndarray | None = None
    if metric in STATISTICS:
        if record.curves and state(record) != "failed":
            measured = np.array([STATISTICS[metric](record)], float)
    elif usable(record):
        measured = record.scores.get(OURS, {}).get(metric)
        if measured is None and (curve := record.curves.get(f"val/{metric}")):
            measured = curve.values[-1:]
    return None if measured is None or not np.isfinite(measured).all() else measured


def summary(runs: Sequence[Record], metric: str) -> Estimate | None:
    """A cell's mean over all seeds that have the metric; None if none has."""
    rows = [row for run in runs if (row := values(run, metric)) is not None]
    return _within(rows, *possible(metric))


def difference(left: Sequence[Record], right: Sequence[Record], metric: str) -> Estimate | None:
    """Mean of ``left - right``, seed by seed and picture by picture; None without a common seed."""
    ours, theirs = ({run.seed: values(run, metric) for run in runs} for runs in (left, right))
    pairs = ((row, theirs.get(seed)) for seed, row in ours.items())
    low, high = possible(metric)
    rows = [row - other for row, other in pairs if row is not None and other is not None]
    return _within(rows, low - high, high - low)


def possible(metric: str) -> tuple[float, float]:
    """Least and greatest value that a metric can have."""
    return RANGES.get(metric) or RANGES.get(metric.split("_")[0]) or (-np.inf, np.inf)


def _within(rows: Sequence[np.ndarray], low: float, high: float) -> Estimate | None:
    """Estimate, and cut the interval at what is possible; the true mean is, so nothing is lost.

    Student's t over two or three seeds knows no bounds: SSIM once reached 1.04.
    """
    if not rows:
        return None
    mean = estimate(np.stack(rows))
    return mean._replace(low=np.clip(mean.low, low, high), high=np.clip(mean.high, low, high))
