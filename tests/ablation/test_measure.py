"""Intervals stay where a metric can be."""

from __future__ import annotations

import numpy as np

from farfill.ablation.stability import STATISTICS
from farfill.ablation.verdict import difference, possible, summary
from farfill.evaluation.statistics import estimate
from farfill.metric.suite import NAMES
from farfill.rundir.record import OURS, Curve, Record

END = Curve(np.array([1.0]), np.array([1.0]))


def runs(*ssim):
    """Two pictures a run, as alike as ``ssim``."""
    curves = {"val/l1_hole": END, "val/attention_loss": END}
    return [
        Record({}, seed, curves=curves, scores={OURS: {"ssim_full": np.full(2, value)}}, folder="x")
        for seed, value in enumerate(ssim)
    ]


def test_an_interval_over_few_seeds_ends_where_the_metric_does():
    cell = runs(0.9, 0.99)
    free = estimate(np.array([[0.9, 0.9], [0.99, 0.99]]))
    found = summary(cell, "ssim_full")
    assert free.high > 1
    assert (found.low, found.high) == (free.low, 1)
    assert found.mean == free.mean


def test_a_difference_ends_where_the_difference_of_two_ends():
    found = difference(runs(1.0, -1.0), runs(-1.0, 1.0), "ssim_full")
    assert (found.low, found.mean, found.high) == (-2, 0, 2)


def test_metrics_of_the_report_know_their_range():
    assert all(np.isfinite(possible(name)).any() for name in (*NAMES, *STATISTICS))
    assert possible("collapsed") == possible("run_away") == (0, 1)
    assert possible("l1_setbacks") == (0, np.inf)
    assert possible("my_own") == (-np.inf, np.inf)


def test_a_single_number_keeps_no_interval():
    found = summary(runs(0.9), "collapsed")
    assert found.mean == 0
    assert np.isnan([found.low, found.high]).all()
