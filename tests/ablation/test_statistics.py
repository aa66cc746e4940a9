"""Intervals against closed forms, and their coverage in a simulation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from farfill.ablation.statistics import summarise
from farfill.evaluation.statistics import estimate

RNG = np.random.default_rng(0)


def test_the_mean_and_the_spread_over_seeds():
    found = summarise(np.array([[1.0, 3.0], [2.0, 4.0], [3.0, 5.0]]))
    assert (found.mean, found.spread, found.seeds, found.images) == (3.0, 1.0, 3, 2)


def test_one_number_per_run_has_students_interval():
    values = np.array([[1.0], [2.0], [4.0], [4.5]])
    found = summarise(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values[:, 0]))
    assert found.low == pytest.approx(low, abs=0.1)
    assert found.high == pytest.approx(high, abs=0.1)


def test_one_seed_has_the_interval_over_pictures():
    values = RNG.normal(size=(1, 40))
    found, known = summarise(values), estimate(values[0])
    assert (found.low, found.high) == pytest.approx((known.low, known.high))
    assert math.isnan(found.spread)


def test_equal_seeds_add_nothing_to_the_interval_over_pictures():
    row = RNG.normal(size=40)
    found, known = summarise(np.stack([row] * 3)), estimate(row)
    assert (found.low, found.high) == pytest.approx((known.low, known.high))


def test_a_single_number_has_no_interval():
    assert math.isnan(summarise(np.array([[1.0]])).low)


@pytest.mark.parametrize(("of_seeds", "of_pictures"), [(1.0, 0.1), (0.3, 2.0), (0.0, 1.0)])
def test_it_covers_the_truth_with_three_seeds(of_seeds, of_pictures):
    """Seeds, pictures and their own noise vary; 300 sweeps, so 95 % is 92.5 to 97.5 (two sigma).

    The bootstrap over three seeds covers 75 % in the first case.
    """
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        values = (of_seeds * rng.normal(size=(3, 1)) + of_pictures * rng.normal(size=(1, 50))
                  + 0.5 * rng.normal(size=(3, 50)))  # fmt: skip
        found = summarise(values, resamples=300)
        hits += found.low < 0 < found.high
    assert 0.915 < hits / 300 < 0.995


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.zeros(3), np.array([[1.0, math.nan]])])
def test_what_has_no_mean_is_refused(values):
    with pytest.raises(ValueError, match=r"expected finite \(seeds, images\)"):
        summarise(values)
