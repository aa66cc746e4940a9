"""Intervals beside SciPy's, the textbook's and closed forms, and their coverage in a simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from farfill.evaluation.statistics import estimate


@pytest.fixture
def values():
    return np.random.default_rng(1).gamma(2.0, size=(1, 60, 2))


def test_one_run_has_the_percentile_bootstrap_over_whole_pictures(values):
    """NumPy's draws, one after the other: published tables rest on them."""
    rng = np.random.default_rng(0)
    draws = [values[0][rng.integers(60, size=60)].mean(axis=0) for _ in range(2000)]
    found = estimate(values)
    np.testing.assert_array_equal(found.mean, values[0].mean(axis=0))
    np.testing.assert_array_equal((found.low, found.high), np.quantile(draws, (0.025, 0.975), 0))
    assert (found.runs, found.images) == (1, 60)
    assert np.isnan(found.spread).all()


def test_same_values_same_interval_other_seed_other_interval(values):
    np.testing.assert_array_equal(estimate(values).low, estimate(values).low)
    assert (estimate(values, seed=1).low != estimate(values).low).any()


def test_the_interval_does_not_depend_on_how_much_fits_into_memory(values, monkeypatch):
    whole = estimate(values)
    monkeypatch.setattr("farfill.evaluation.statistics.AT_ONCE", 1000)
    np.testing.assert_array_equal(estimate(values).low, whole.low)


def test_the_mean_and_the_spread_over_seeds():
    found = estimate(np.array([[1.0, 3.0], [2.0, 4.0], [3.0, 5.0]]))
    assert (found.mean, found.spread, found.runs, found.images) == (3.0, 1.0, 3, 2)


def test_one_number_per_run_has_students_interval():
    values = np.array([[1.0], [2.0], [4.0], [4.5]])
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, values.mean(), stats.sem(values[:, 0]))
    assert found.low == pytest.approx(low, abs=0.1)
    assert found.high == pytest.approx(high, abs=0.1)


def test_equal_seeds_add_nothing_to_the_interval_over_pictures(values):
    found, known = estimate(np.concatenate([values] * 3)), estimate(values)
    np.testing.assert_allclose((found.low, found.high), (known.low, known.high))


def test_several_quantities_have_the_intervals_of_each_alone():
    values = np.random.default_rng(3).normal(size=(3, 20, 2))
    both, alone = estimate(values), estimate(values[..., 0])
    assert both.low.shape == (2,)
    assert both.low[0] == pytest.approx(alone.low, abs=0.1)
    assert both.spread[0] == pytest.approx(alone.spread)


def test_a_single_number_has_no_interval():
    found = estimate(np.array([[[3.0, 4.0]]]))
    np.testing.assert_array_equal(found.mean, [3, 4])
    assert np.isnan([found.low, found.high]).all()


@pytest.mark.parametrize(("of_seeds", "of_pictures"), [(1.0, 0.1), (0.3, 2.0), (0.0, 1.0)])
def test_it_covers_the_truth_with_three_seeds(of_seeds, of_pictures):
    """Seeds, pictures and their own noise vary; 300 sweeps, so 95 % is 92.5 to 97.5 (two sigma).

    The bootstrap over three seeds covers 75 % in the first case.
    """
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(300):
        seeds, pictures, noise = (rng.normal(size=size) for size in ((3, 1), (1, 50), (3, 50)))
        found = estimate(of_seeds * seeds + of_pictures * pictures + 0.5 * noise, resamples=300)
        hits += found.low < 0 < found.high
    assert 0.915 < hits / 300 < 0.995


def test_what_is_not_finite_has_no_finite_mean():
    assert math.isnan(estimate(np.array([[1.0, math.nan]])).mean)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.zeros(3)])
def test_what_has_no_mean_is_refused(values):
    with pytest.raises(ValueError, match=r"expected \(runs, images, \.\.\.\)"):
        estimate(values)
