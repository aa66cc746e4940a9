"""Intervals beside SciPy's, the textbook's and closed forms, and their coverage in a simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from farfill.evaluation.statistics import (
    Design,
    by_cluster,
    counts_test,
    design,
    estimate,
    fewest,
    holm,
    power_of_counts,
    range_test,
)


@pytest.fixture
def values():
    return np.random.default_rng(1).gamma(2.0, size=(1, 60, 2))


def test_one_run_has_the_stretched_bootstrap_over_whole_pictures(values):
    """NumPy's draws, one after the other: published tables rest on them."""
    wider = stats.t.ppf(0.975, 59) / stats.norm.ppf(0.975) * math.sqrt(60 / 59)
    rng = np.random.default_rng(0)
    draws = [values[0][rng.integers(60, size=60)].mean(axis=0) for _ in range(2000)]
    found = estimate(values)
    np.testing.assert_array_equal(found.mean, values[0].mean(axis=0))
    ends = found.mean + wider * (np.quantile(draws, (0.025, 0.975), 0) - found.mean)
    np.testing.assert_allclose((found.low, found.high), ends, rtol=1e-12)
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


@pytest.mark.parametrize("pictures", [4, 8])
def test_it_covers_the_truth_with_few_pictures(pictures):
    """300 times, so 95 % is 92.5 to 97.5 (two sigma); without the stretch four cover 80 %."""
    rng = np.random.default_rng(2)
    found = [estimate(rng.normal(size=(1, pictures)), resamples=300) for _ in range(300)]
    assert 0.92 < np.mean([one.low < 0 < one.high for one in found]) < 0.98


def test_what_is_not_finite_has_no_finite_mean():
    assert math.isnan(estimate(np.array([[1.0, math.nan]])).mean)


@pytest.mark.parametrize("values", [np.zeros((0, 3)), np.zeros(3)])
def test_what_has_no_mean_is_refused(values):
    with pytest.raises(ValueError, match=r"expected \(runs, images, \.\.\.\)"):
        estimate(values)


def column(values):
    return np.array(values, float)[:, None]


def test_the_test_with_one_number_per_run_is_students():
    values = column(np.random.default_rng(5).normal(0.5, 1, 9))
    low, high = range_test(values, 0, math.inf), range_test(values, -math.inf, 0)
    assert low.p == high.p == pytest.approx(stats.ttest_1samp(values[:, 0], 0).pvalue, rel=0.05)
    assert (low.inside, high.inside) == (True, False)


def test_two_one_sided_tests_decide_equivalence():
    """The larger of two one-sided p, doubled: as the whole 95 % interval has to lie inside."""
    values = column([0.1, -0.2, 0.3, 0.0, 0.15])
    sides = [
        stats.ttest_1samp(values[:, 0], end, alternative=side).pvalue
        for end, side in ((-0.3, "greater"), (0.3, "less"))
    ]
    found = range_test(values, -0.3, 0.3)
    assert found.p == pytest.approx(2 * max(sides), rel=0.1)
    assert found.inside


@pytest.mark.parametrize("ends", [(0, math.inf), (-0.4, 0.4), (-0.4, math.inf), (-math.inf, 0.4)])
def test_the_test_and_the_interval_agree(ends):
    rng = np.random.default_rng(4)
    words = set()
    for number in range(120):
        values = rng.normal(rng.normal(0, 0.5), 0.3, size=(4, 1 + 9 * (number % 2)))
        found, interval = range_test(values, *ends), estimate(values)
        inside = ends[0] < interval.low and interval.high < ends[1]
        outside = interval.high < ends[0] or interval.low > ends[1]
        assert (found.p <= 0.05) == (inside or outside)
        if found.p <= 0.05:
            assert found.inside == inside
        words.add((bool(inside), bool(outside)))
    assert len(words) == 3


@pytest.mark.parametrize("truth", [0.0, 0.5])
def test_neither_statement_is_wrong_more_often_than_the_level_says(truth):
    """At the edge of the range, where both are as easily wrong as they can be; 600 sweeps."""
    rng = np.random.default_rng(6)
    ends = (0, math.inf) if truth == 0 else (-0.5, 0.5)
    found = [range_test(column(rng.normal(truth, 0.2, 4)), *ends) for _ in range(600)]
    wrong = np.array([(one.p <= 0.05, one.inside) for one in found])
    assert (wrong[:, 0] & wrong[:, 1]).mean() < 0.04
    assert (wrong[:, 0] & ~wrong[:, 1]).mean() < 0.04


def test_fishers_test_is_the_tea_ladys():
    """Fisher 1935: of four cups and four, three and one are guessed; one-sided p is 17/70."""
    assert counts_test(3, 4, 1, 4) == pytest.approx(2 * 17 / 70)
    assert counts_test(2, 4, 2, 4) == 1
    assert counts_test(4, 4, 0, 4) == pytest.approx(2 / 70)


def test_holms_correction_of_a_published_example():
    """Holm's rule on the p of Wright 1992 (Biometrics 48), as R's p.adjust has it."""
    given = [0.01, 0.02, 0.03, 0.04, 0.05]
    assert holm(given) == pytest.approx([0.05, 0.08, 0.09, 0.09, 0.09])
    assert holm([0.03, 0.01, 0.9]) == pytest.approx([0.06, 0.03, 0.9])
    assert holm([0.6, 0.7]) == [1, 1]
    assert holm([]) == []


def test_holms_correction_keeps_the_chance_of_any_error():
    rng = np.random.default_rng(7)
    errors = [min(holm(rng.uniform(size=6))) <= 0.05 for _ in range(4000)]
    assert np.mean(errors) == pytest.approx(0.05, abs=0.01)


@pytest.mark.parametrize(("runs", "effect"), [(3, 1.0), (5, 2.0), (10, 1.0), (34, 0.5)])
def test_without_pictures_power_is_the_noncentral_t_distributions(runs, effect):
    limit = stats.t.isf(0.025, runs - 1)
    known = stats.nct.sf(limit, runs - 1, effect * math.sqrt(runs))
    assert Design(3, 1.0, 0.0, 0.0).power(effect, runs) == pytest.approx(known, abs=1e-3)


def test_seeds_for_cohens_effects():
    """Cohen's d of 0.8, 0.5 and 0.2 need 15, 34 and 199 pairs (G*Power's manual, paired t test)."""
    parts = Design(3, 1.0, 0.0, 0.0)
    assert [parts.needed([effect]) for effect in (0.8, 0.5, 0.2)] == [15, 34, 199]
    assert parts.needed([0.05]) is None
    assert parts._replace(runs=34).detectable() == pytest.approx(0.4953, abs=0.002)


@pytest.mark.parametrize(
    ("runs", "of_seeds", "of_pictures"), [(4, 1.0, 0.0), (4, 0.4, 4.0), (8, 1.0, 3.0)]
)
def test_what_is_called_detectable_is_found_in_four_of_five_sweeps(runs, of_seeds, of_pictures):
    """400 sweeps: 80 % is 76 to 84 (two sigma); the interval is a little too wide, so 72."""
    rng = np.random.default_rng(8)
    images, noise = 30, 0.5

    def sweep(mean):
        seeds, pictures = rng.normal(size=(runs, 1)), rng.normal(size=(1, images))
        own = noise * rng.normal(size=(runs, images))
        return mean + of_seeds * seeds + of_pictures * pictures + own

    spread = math.hypot(of_seeds, noise / math.sqrt(images))
    known = Design(runs, spread, of_pictures / math.sqrt(images), noise / math.sqrt(images))
    effect = known.detectable()
    found = [range_test(sweep(effect), 0, math.inf) for _ in range(400)]
    assert 0.72 < np.mean([one.p <= 0.05 and one.inside for one in found]) < 0.85


def test_a_design_is_taken_apart_into_seeds_pictures_and_noise():
    rng = np.random.default_rng(9)
    parts = []
    for _ in range(200):
        seeds, pictures = 2 * rng.normal(size=(6, 1)), 3 * rng.normal(size=(1, 25))
        parts.append(design(seeds + pictures + rng.normal(size=(6, 25))))
    spread, shared, noise = np.sqrt(np.mean(np.square([part[1:4] for part in parts]), axis=0))
    assert spread == pytest.approx(math.hypot(2, 1 / 5), rel=0.1)
    assert shared == pytest.approx(3 / 5, rel=0.1)
    assert noise == pytest.approx(1 / 5, rel=0.05)


def test_pictures_alone_may_keep_a_difference_out_of_reach():
    assert Design(3, 1e-6, 1.0, 0.0).needed([1.0]) is None
    for power in (0.8, 0.9, 0.999):
        assert Design(3, 0.0, 0.0, 0.0).detectable(power=power) == 0
    assert Design(3, 0.0, 0.0, 0.0).needed([0.1]) == 2


def test_power_of_counts_is_that_of_every_pair_of_counts():
    runs, shares = 7, (0.8, 0.2)
    chances = [stats.binom.pmf(np.arange(runs + 1), runs, share) for share in shares]
    known = sum(
        chances[0][a] * chances[1][b]
        for a in range(runs + 1)
        for b in range(a)
        if counts_test(a, runs, b, runs) <= 0.05
    )
    assert power_of_counts(*shares, runs) == pytest.approx(known)


def test_runs_for_a_rare_event():
    """A third against none. Five of 24 are a finding against none; five of 25 are none."""
    found = fewest(lambda runs: power_of_counts(1 / 3, 0.0, runs) >= 0.8)
    assert power_of_counts(1 / 3, 0.0, found) >= 0.8 > power_of_counts(1 / 3, 0.0, found - 1)
    assert counts_test(5, 24, 0, 24) <= 0.05 < counts_test(5, 25, 0, 25)


def test_the_fewest_runs_are_found_though_power_has_steps():
    """Fisher's test finds less with a run more here and there."""
    powers = {runs: power_of_counts(0.6, 0.1, runs) for runs in range(2, 60)}
    known = next(runs for runs, power in powers.items() if power >= 0.74)
    assert any(power < 0.74 for runs, power in powers.items() if runs > known)
    assert fewest(lambda runs: power_of_counts(0.6, 0.1, runs) >= 0.74) == known


def test_what_belongs_together_counts_once():
    values = np.array([1.0, 10.0, 3.0, 20.0, math.nan, math.nan])
    found = by_cluster(values, ["a", "b", "a", "b", "a", "c"])
    np.testing.assert_array_equal(found, [2, 15, math.nan])
    np.testing.assert_array_equal(by_cluster(values, "abcdef"), values)
    both = by_cluster(np.stack([values, 2 * values], axis=1), ["a", "b", "a", "b", "a", "c"])
    np.testing.assert_array_equal(both, np.stack([found, 2 * found], axis=1))


def test_shares_of_a_distance_of_sets_mean_the_distance_in_clusters_of_any_size():
    values = np.random.default_rng(8).normal(size=(7, 2))
    np.testing.assert_allclose(by_cluster(np.full(7, 5.0), "aaaabcc", True), 5)
    found = by_cluster(values, "aaaabcc", [True, False])
    assert found[:, 0].mean() == pytest.approx(values[:, 0].mean())
    np.testing.assert_allclose(
        found[:, 1], [values[:4, 1].mean(), *values[4:5, 1], values[5:, 1].mean()]
    )
    np.testing.assert_allclose(by_cluster(values[:, 0], "aaaabcc", True), found[:, 0])


def test_an_interval_over_clusters_covers_the_truth_and_one_over_samples_does_not():
    """Four holes in each of 25 pictures, which decide; 300 evaluations."""
    rng = np.random.default_rng(3)
    names = [str(n) for n in range(25)] * 4
    hits = np.zeros(2)
    for _ in range(300):
        samples = np.tile(rng.normal(size=25), 4) + 0.3 * rng.normal(size=100)
        for n, values in enumerate((by_cluster(samples, names), samples)):
            found = estimate(values[None], resamples=300)
            hits[n] += found.low < 0 < found.high
    assert hits[0] / 300 > 0.89
    assert hits[1] / 300 < 0.8
