"""Means over training runs and pictures, with the one interval that every table prints."""

import math
import warnings
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import DegenerateDataWarning, bootstrap

RESAMPLES = 2000
PER_DRAW = 10  # draws of the runs' part for every draw of pictures
AT_ONCE = 2**22  # numbers that are resampled at a time: 32 MiB


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
    and quantities. Runs are too few to be drawn (the bootstrap over three covers 75 %): their part
    of each draw is Student's t, with one degree of freedom less than there are runs, times the
    standard error of the runs' means. Noise that pictures and runs share counts in both parts: the
    interval is slightly too wide. With one run it says nothing of other runs.

    ``values`` are ``(runs, images, ...)``, not empty; for a paired interval the difference of two
    such arrays. The same ones have the same interval, by ``seed``; ``resamples`` are of pictures.
    """
    if values.ndim < 2 or not values.size:
        raise ValueError(f"estimate: expected (runs, images, ...), got shape {values.shape}.")
    runs, images = values.shape[:2]
    of_images, of_runs = values.mean(axis=0), values.mean(axis=1)
    mean = of_images.mean(axis=0)
    nothing = np.full_like(mean, math.nan)
    if runs == images == 1:
        return Estimate(mean, nothing, nothing, nothing, runs, images)
    rng = np.random.default_rng(seed)
    draws, spread = mean[..., None], nothing
    if images > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DegenerateDataWarning)  # values that are not finite
            options = {"n_resamples": resamples, "batch": max(1, AT_ONCE // of_images.size)}
            drawn = bootstrap((of_images,), np.mean, method="percentile", rng=rng, **options)
        draws = drawn.bootstrap_distribution
    if runs > 1:
        spread = of_runs.std(axis=0, ddof=1)
        shift = rng.standard_t(runs - 1, size=(PER_DRAW, *mean.shape, resamples))
        draws = draws + shift * (spread / math.sqrt(runs))[..., None]
        draws = np.moveaxis(draws, 0, -1).reshape(*mean.shape, -1)
    low, high = np.quantile(draws, (0.025, 0.975), axis=-1)
    return Estimate(mean, low, high, spread, runs, images)
