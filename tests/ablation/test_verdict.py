"""Intervals stay where a metric can be; verdicts follow from them and from nothing else."""

import numpy as np
import pytest

from farfill.ablation.stability import STATISTICS
from farfill.ablation.sweep import read_sweep
from farfill.ablation.verdict import (
    AGREES,
    DIFFERS,
    OPEN,
    decide,
    difference,
    judge,
    possible,
    summary,
)
from farfill.evaluation.statistics import Estimate, estimate
from farfill.metric.suite import NAMES
from farfill.rundir.record import OURS, Curve, Record
from helpers.sweeps import claim, gan_run, gan_sweep


def gap(low, high, seeds=3):
    return Estimate((low + high) / 2, low, high, 0.1, seeds, 10)


@pytest.mark.parametrize(
    ("expects", "low", "high", "word"),
    [
        ("lower", -2, -1, AGREES),
        ("lower", -2, 1, OPEN),
        ("lower", 1, 2, DIFFERS),
        ("lower", 0, 0, OPEN),
        ("higher", 1, 2, AGREES),
        ("higher", -2, -1, DIFFERS),
        ("same", -0.4, 0.4, AGREES),
        ("same", -0.4, 0.6, OPEN),
        ("same", 0.6, 0.9, DIFFERS),
        ("same", -0.9, -0.6, DIFFERS),
        ("not_lower", -0.4, 3, AGREES),
        ("not_lower", -0.6, 3, OPEN),
        ("not_lower", -2, -0.6, DIFFERS),
        ("not_higher", -3, 0.4, AGREES),
        ("not_higher", 0.6, 3, DIFFERS),
    ],
)
def test_where_the_interval_lies_decides(expects, low, high, word):
    assert decide(gap(low, high), expects, 0.5) == (word, "")


def test_one_seed_decides_nothing():
    assert decide(gap(-2, -1, seeds=1), "lower", 0) == (OPEN, "one seed says nothing about others")


def test_nothing_measured_decides_nothing():
    assert decide(None, "lower", 0)[0] == OPEN


@pytest.mark.parametrize(
    ("expects", "more", "word"),
    [
        ("lower", {}, AGREES),
        ("higher", {}, DIFFERS),
        ("same", {"within": 0.5}, AGREES),
        ("same", {"within": 0.01}, DIFFERS),
    ],
)
def test_a_claim_is_held_against_the_runs(tmp_path, expects, more, word):
    """The left cell's L1 is 0.1 below a right mean of 0.325."""
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.2, "lsgan": 0.3}), {}, [])
    found = judge(sweep, claim("hinge", "lsgan", expects, **more))
    assert found.word == word
    assert found.difference.mean == pytest.approx(-0.1, abs=0.002)
    assert (found.difference.runs, found.difference.images) == (3, 12)
    assert found.margin == pytest.approx(more.get("within", 0) * 0.325, abs=0.001)


@pytest.mark.parametrize(("metric", "doubt"), [("l1_hole", True), ("collapsed", False)])
def test_a_verdict_on_collapsed_runs_is_called_doubtful(tmp_path, metric, doubt):
    gan_sweep(tmp_path, {"hinge": 0.2}, seeds=2)
    for seed in (1, 2):
        gan_run(tmp_path / f"9{seed}", "lsgan", seed, l1=0.3, curves={"val/hole_variance": [0.0]})
    found = judge(read_sweep(tmp_path, {}, []), claim("hinge", "lsgan", "lower", metric))
    assert found.word == AGREES
    assert found.why == ("but 2 of 4 runs are unsound, see below" if doubt else "")


def test_equal_cells_are_not_distinguishable(tmp_path):
    cells = {"hinge": 0.2, "lsgan": 0.20001}
    sweep = read_sweep(gan_sweep(tmp_path, cells), {}, [])
    assert judge(sweep, claim("hinge", "lsgan", "lower")).word == OPEN


def test_a_baseline_may_stand_on_a_side(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.3}), {}, [])
    against = {**claim("hinge", "", "lower"), "right": {"baseline": "telea"}}
    assert judge(sweep, against).word == AGREES
    assert judge(sweep, {**against, "left": {"gan": "lsgan"}}).word == DIFFERS


def test_a_cell_that_failed_or_is_absent_leaves_the_claim_open(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}), {}, [])
    failed = judge(sweep, claim("hinge", "lsgan", "lower"))
    absent = judge(sweep, claim("hinge", "none", "lower"))
    assert (failed.word, failed.why) == (OPEN, "no seed has this metric in both cells")
    assert absent.word == OPEN
    assert "got 0 of gan=hinge, gan=lsgan" in absent.why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expects": "better"}, "expected `expects` to be one of lower"),
        ({"expects": "same"}, "expected `within`"),
        ({"within": 0.1}, "expected `within`"),
        ({"metric": None}, "lacks"),
    ],
)
def test_a_claim_that_is_not_well_formed_is_refused(tmp_path, change, words):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}), {}, [])
    changed = {**claim("hinge", "lsgan", "lower"), **change}
    changed = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        judge(sweep, changed)


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
