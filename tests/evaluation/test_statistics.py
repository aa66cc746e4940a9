"""Intervals beside SciPy's and the textbook's."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from farfill.evaluation.statistics import estimate, paired_difference


@pytest.fixture
def values():
    return np.random.default_rng(1).gamma(2.0, size=(60, 2))


def test_interval_agrees_with_scipy(values):
    mean, low, high, n = estimate(values, resamples=4000)
    expected = bootstrap((values,), np.mean, method="percentile", n_resamples=4000)
    np.testing.assert_allclose(mean, values.mean(0))
    width = high - low
    np.testing.assert_allclose(low, expected.confidence_interval.low, atol=0.06 * width.max())
    np.testing.assert_allclose(high, expected.confidence_interval.high, atol=0.06 * width.max())
    assert n == 60


def test_interval_has_the_width_of_two_standard_errors(values):
    _, low, high, _ = estimate(values)
    np.testing.assert_allclose(high - low, 2 * 1.96 * values.std(0) / 60**0.5, rtol=0.08)


def test_same_values_same_interval_other_seed_other_interval(values):
    np.testing.assert_array_equal(estimate(values).low, estimate(values).low)
    assert (estimate(values, seed=1).low != estimate(values).low).any()


def test_single_picture_has_no_interval():
    mean, low, high, n = estimate(np.array([[3.0, 4.0]]))
    np.testing.assert_array_equal(mean, [3, 4])
    assert np.isnan(low).all()
    assert np.isnan(high).all()
    assert n == 1


def test_pairing_removes_what_pictures_share(values):
    noise = 0.01 * np.random.default_rng(2).standard_normal(60)
    ours = values[:, 0] + 0.05 + noise
    paired = paired_difference(ours, values[:, 0])
    assert 0.04 < paired.low < 0.05 < paired.high < 0.06
    assert estimate(ours).low < estimate(values[:, 0]).high  # unpaired, the intervals overlap


def test_pairing_needs_the_same_pictures():
    with pytest.raises(ValueError, match="the same pictures"):
        paired_difference(np.zeros(3), np.zeros(4))
