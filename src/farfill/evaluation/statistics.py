"""Means with bootstrap intervals over pictures."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np


class Estimate(NamedTuple):
    """A mean over pictures with its interval; arrays when several quantities are estimated.

    Attributes:
        mean: Over the pictures.
        low: Lower end of the 95 % interval; NaN where there are fewer than two pictures.
        high: Upper end, likewise.
        n: Number of pictures.
    """

    mean: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: int


def estimate(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> Estimate:
    """Mean over pictures, with the percentile bootstrap's 95 % interval (Efron 1979).

    Pictures are drawn with replacement; all quantities of a picture stay together. The interval
    speaks of other pictures of the same kind, not of other training runs.

    Args:
        values: ``(n, ...)``, one row per picture.
        seed: Of the resampling: the same values have the same interval.
        resamples: Number of draws of ``n`` pictures.
    """
    n = len(values)
    mean = np.mean(values, axis=0)
    if n < 2:
        return Estimate(mean, np.full_like(mean, np.nan), np.full_like(mean, np.nan), n)
    rng = np.random.default_rng(seed)
    means = [values[rng.integers(n, size=n)].mean(axis=0) for _ in range(resamples)]
    low, high = np.quantile(means, (0.025, 0.975), axis=0)
    return Estimate(mean, low, high, n)


def paired_difference(
    ours: np.ndarray, theirs: np.ndarray, seed: int = 0, resamples: int = 2000
) -> Estimate:
    """Estimate the mean of ``ours - theirs``, picture by picture; arguments as :func:`estimate`.

    Raises:
        ValueError: They do not have the same pictures' worth of values.
    """
    if ours.shape != theirs.shape:
        raise ValueError(
            f"paired_difference: expected the same pictures, got {ours.shape} and {theirs.shape}."
        )
    return estimate(ours - theirs, seed, resamples)
