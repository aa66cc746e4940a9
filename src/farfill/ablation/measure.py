"""A metric's values in a cell: one per seed and picture, or one per seed."""

from collections.abc import Sequence

import numpy as np

from farfill.ablation.stability import CHECKS, STATISTICS
from farfill.evaluation.statistics import Estimate, estimate
from farfill.rundir.record import OURS, Record, state, usable

POSITIVE, SHARE, COSINE = (0.0, np.inf), (0.0, 1.0), (-1.0, 1.0)
#: Metric, or the word before its first underscore -> what it can be; others can be anything.
RANGES = {
    **dict.fromkeys(("l1", "l2", "relative", "tv", "attention"), POSITIVE),
    **dict.fromkeys(("unstable", *(name.replace(" ", "_") for name in CHECKS)), SHARE),
    **dict.fromkeys(("attention_hit_rate", "attention_same_source"), SHARE),
    **dict.fromkeys(("ssim", "attention_similarity"), COSINE),
    "psnr": (-np.inf, 100.0),
}


def values(record: Record, metric: str) -> np.ndarray | None:
    """What one run has for ``metric``, ``(images,)`` or ``(1,)``; None if nothing can be said.

    Args:
        record: A run.
        metric: A name of the report's per-image table (``l1_hole``), a statistic of the training
            (:data:`~farfill.ablation.stability.STATISTICS`), or the end of the name of a
            validation curve (``attention_hit_rate``), whose last value counts.
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
