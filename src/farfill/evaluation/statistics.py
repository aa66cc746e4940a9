"""Means over training runs and pictures: the one interval that every table prints, tests, power.

A test has three outcomes: a quantity lies in a range, outside it, or neither is shown. Each of the
two statements is wrong in at most half of :data:`LEVEL`, so one in twenty tests errs at most.
"""

import math
import warnings
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import (
    DegenerateDataWarning,
    binom,
    bootstrap,
    chi2,
    fisher_exact,
    hypergeom,
    norm,
    t,
)

RESAMPLES = 2000
PER_DRAW = 10  # draws of the runs' part for every draw of pictures
AT_ONCE = 2**22  # numbers that are resampled at a time: 32 MiB
LEVEL = 0.05
POWER = 0.8
MOST_RUNS = 1000  # more than anyone trains
QUANTILES = (np.arange(1000) + 0.5) / 1000  # at which power is averaged


class Estimate(NamedTuple):
    """A mean with its interval; floats, or arrays where several quantities are estimated."""

    mean: Any  # over runs and pictures
    low: Any  # end of the 95 % interval; NaN where there is a single number
    high: Any
    spread: Any  # standard deviation of the runs' means; NaN for one run
    runs: int  # each with a seed of its own
    images: int  # 1 where a run has a single number


def estimate(values: np.ndarray, seed: int = 0, resamples: int = RESAMPLES) -> Estimate:
    """Mean with a 95 % interval that speaks of other pictures of the same kind and of other runs.

    Pictures are drawn with replacement (percentile bootstrap, Efron 1979), the same for all runs
    and quantities, and the draws are stretched as :func:`stretch` says. Runs are too few to be
    drawn (the bootstrap over three covers 75 %): their part of each draw is Student's t, with one
    degree of freedom less than there are runs, times the standard error of the runs' means. Noise
    that pictures and runs share counts in both parts: the interval is slightly too wide. With one
    run it says nothing of other runs.

    ``values`` are ``(runs, images, ...)``, not empty; for a paired interval the difference of two
    such arrays. The same ones have the same interval, by ``seed``; ``resamples`` are of pictures.
    """
    if values.ndim < 2 or not values.size:
        raise ValueError(f"estimate: expected (runs, images, ...), got shape {values.shape}.")
    runs, images = values.shape[:2]
    mean = values.mean(axis=0).mean(axis=0)
    nothing = np.full_like(mean, math.nan)
    if runs == images == 1:
        return Estimate(mean, nothing, nothing, nothing, runs, images)
    spread = values.mean(axis=1).std(axis=0, ddof=1) if runs > 1 else nothing
    draws = _draws(values, seed, resamples)
    low, high = np.quantile(draws, (LEVEL / 2, 1 - LEVEL / 2), axis=-1)
    return Estimate(mean, low, high, spread, runs, images)


def _draws(values: np.ndarray, seed: int, resamples: int) -> np.ndarray:
    """What the mean could have been, ``(..., draws)``, see :func:`estimate`."""
    runs, images = values.shape[:2]
    of_images = values.mean(axis=0)
    mean = of_images.mean(axis=0)
    rng = np.random.default_rng(seed)
    draws = mean[..., None]
    if images > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)  # values that are not finite
            options = {"n_resamples": resamples, "batch": max(1, AT_ONCE // of_images.size)}
            drawn = bootstrap((of_images,), np.mean, method="percentile", rng=rng, **options)
        draws = drawn.bootstrap_distribution
        draws = mean[..., None] + stretch(images) * (draws - mean[..., None])
    if runs > 1:
        error = values.mean(axis=1).std(axis=0, ddof=1) / math.sqrt(runs)
        shift = rng.standard_t(runs - 1, size=(PER_DRAW, *mean.shape, resamples))
        draws = draws + shift * error[..., None]
        draws = np.moveaxis(draws, 0, -1).reshape(*mean.shape, -1)
    return draws


def stretch(images: int) -> float:
    """How much wider than their draws the interval of so many pictures, two or more, has to be.

    Draws from a few numbers vary less than means of such numbers do, by the square root of
    (n - 1) / n, and the normal distribution's tails are too thin for them. Hesterberg 2014 (arXiv
    1411.5279) takes further percentiles by the same ratio; five pictures have none so far out. It
    is 1.6 for five pictures and 1.01 for two hundred.
    """
    ratio = t.isf(LEVEL / 2, images - 1) / norm.isf(LEVEL / 2)
    return float(ratio * math.sqrt(images / (images - 1)))


def by_cluster(
    values: np.ndarray, clusters: Sequence[str], of_sets: bool | Sequence[bool] = False
) -> np.ndarray:
    """Means of what belongs together: ``(samples, ...)`` to ``(clusters, ...)``.

    Samples of one cluster, holes of a picture or frames of a film, are no more than one witness:
    drawn one by one they would make an interval too narrow. Each cluster counts once, in order of
    appearance. What is NaN is left out. Where values are shares of a distance ``of_sets``, a flag
    or one for each of the last axis, their mean over all samples is the distance: how far a cluster
    is from it counts by the cluster's size, so that the mean stays.
    """
    places = {name: place for place, name in enumerate(dict.fromkeys(clusters))}
    numbers = np.array([places[name] for name in clusters])
    known = np.isfinite(values)
    sums, counts = np.zeros((2, len(places), *values.shape[1:]))
    np.add.at(sums, numbers, np.where(known, values, 0))
    np.add.at(counts, numbers, known)
    means = np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)
    of_all = sums.sum(axis=0) / np.maximum(counts.sum(axis=0), 1)
    sizes = counts * len(places) / np.maximum(counts.sum(axis=0), 1)
    return np.where(of_sets, of_all + (means - of_all) * sizes, means)


class Finding(NamedTuple):
    """Whether something lies in a range."""

    p: float  # of the likelier statement; two-sided: at most LEVEL where the interval decides
    inside: bool  # what the likelier statement is


def range_test(values: np.ndarray, low: float, high: float, seed: int = 0) -> Finding:
    """Test whether the mean of ``values``, ``(runs, images)``, lies between ``low`` and ``high``.

    With one number per run and an infinite end it is the two-sided t test, paired if ``values``
    are differences; with two finite ends it is two one-sided tests (Schuirmann 1987), each at half
    of the level: the whole 95 % interval has to lie inside, not only that of 90 %, so that the
    opposite statement has its half, too. In general p is twice the share of the draws behind
    :func:`estimate` that contradict the statement, itself counted as one more (Davison and Hinkley
    1997, section 4.2.3); so it never is 0.
    """
    draws = _draws(values, seed, RESAMPLES)
    against_inside = max((draws <= low).mean(), (draws >= high).mean())
    against_outside = min((draws >= low).mean(), (draws <= high).mean())
    contradicting = min(against_inside, against_outside) * draws.size
    p = min(1.0, 2 * (1 + float(contradicting)) / (1 + draws.size))
    return Finding(p, bool(against_inside < against_outside))


def counts_test(left: int, of_left: int, right: int, of_right: int) -> float:
    """Fisher's exact test of two shares: p, twice that of the likelier side (Fay 2010).

    ``left`` of ``of_left`` runs have a property, and ``right`` of ``of_right``. Twice one side,
    unlike the usual two-sided test, keeps the error in each direction within half of the level.
    """
    table = [[left, of_left - left], [right, of_right - right]]
    sides = (fisher_exact(table, alternative=side).pvalue for side in ("less", "greater"))
    return min(1.0, 2 * float(min(sides)))


def holm(p: Sequence[float]) -> list[float]:
    """P-values corrected for each other (Holm 1979).

    Whichever of those at most :data:`LEVEL` are called findings, the chance that any of them is
    none is at most that level, however they depend on each other.
    """
    corrected, least = [1.0] * len(p), 0.0
    for rank, number in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        least = max(least, min(1.0, (len(p) - rank) * p[number]))
        corrected[number] = least
    return corrected


class Design(NamedTuple):
    """What the width of an interval comes from, to say what other numbers of runs would give.

    With ``shared`` and ``noise`` 0 the power is that of the one-sample, or paired, t test at half
    of the level, one-sided: the noncentral t distribution's.
    """

    runs: int
    spread: float  # standard deviation of the runs' means
    shared: float  # standard error for pictures, which no number of runs lessens
    noise: float  # standard deviation in a run's mean of what is neither its nor the pictures' own
    wider: float = 1.0  # :func:`stretch` of the pictures

    def power(self, effect: float, runs: int, level: float = LEVEL) -> float:
        """Chance that :func:`range_test` finds a mean this far beyond the end of a range."""
        own, pictures = self.spread**2 / runs, self.shared**2
        variances = chi2.ppf(QUANTILES, runs - 1) / (runs - 1)  # estimated / true
        widths = t.isf(level / 2, runs - 1) ** 2 * own * variances
        of_pictures = pictures + self.noise**2 / runs
        widths += (norm.isf(level / 2) * self.wider) ** 2 * of_pictures
        error = max(math.sqrt(own + pictures), 1e-12 * abs(effect), 1e-300)
        return float(norm.sf((np.sqrt(widths) - effect) / error).mean())

    def detectable(self, level: float = LEVEL, power: float = POWER) -> float:
        """The least effect that is found with this power by as many runs."""
        enough = max(self.spread, self.shared, self.noise)
        if enough == 0 or self.power(1e-300, self.runs, level) >= power:
            return 0.0
        while self.power(enough, self.runs, level) < power:
            enough *= 2
        return float(brentq(lambda x: self.power(x, self.runs, level) - power, 0, enough))

    def needed(self, effects: Sequence[float], level: float = LEVEL) -> int | None:
        """Runs that find all of ``effects`` with :data:`POWER`; None if :data:`MOST_RUNS` do not.

        The chances of missing each one are added, which is at most too pessimistic.
        """
        missed = 1 - POWER
        return fewest(lambda runs: sum(1 - self.power(x, runs, level) for x in effects) <= missed)


def design(values: np.ndarray) -> Design:
    """Parts of the spread of ``values``, ``(runs, images)``, of at least two runs."""
    runs, images = values.shape
    of_runs, of_images = values.mean(axis=1, keepdims=True), values.mean(axis=0)
    spread = float(of_runs.std(ddof=1))
    if images == 1:
        return Design(runs, spread, 0.0, 0.0)
    # Two-way analysis of variance: what is left without the runs' and the pictures' means.
    residuals = values - of_runs - of_images + values.mean()
    noise = (residuals**2).sum() / ((runs - 1) * (images - 1)) / images
    shared = max(0.0, of_images.var() / images - noise / runs)
    return Design(runs, spread, math.sqrt(shared), math.sqrt(noise), stretch(images))


def power_of_counts(higher: float, lower: float, runs: int, level: float = LEVEL) -> float:
    """Chance that :func:`counts_test` finds ``higher`` to be so, with ``runs`` runs on a side."""
    support = np.arange(runs + 1)
    chances = [binom.pmf(support, runs, share) for share in (higher, lower)]
    kept = [np.flatnonzero(chance > 1e-9) for chance in chances]  # the rest does not matter
    left, right = np.meshgrid(*kept, indexing="ij")
    found = 2 * hypergeom.sf(left - 1, 2 * runs, left + right, runs) <= level
    return float((np.outer(chances[0][kept[0]], chances[1][kept[1]]) * found).sum())


def fewest(enough: Callable[[int], bool]) -> int | None:
    """The least number of runs, from two on, that is ``enough``; None beyond :data:`MOST_RUNS`.

    What is enough need not stay so with one run more: a test of counts has steps.
    """
    numbers = range(2, MOST_RUNS + 1)
    found = bisect_left(numbers, True, key=enough)
    if found == len(numbers):
        return None
    return next(filter(enough, numbers[max(0, found - 10) : found]), numbers[found])
