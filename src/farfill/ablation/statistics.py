"""Means over seeds and pictures with intervals that speak of both."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

PER_DRAW = 10  # draws of the seeds' part for every draw of pictures


class Summary(NamedTuple):
    """A mean over runs and pictures.

    Attributes:
        mean: Over seeds and pictures.
        low: Lower end of the 95 % interval, see :func:`summarise`; NaN where nothing varies.
        high: Upper end.
        spread: Standard deviation of the seeds' means; NaN for one seed.
        seeds: Number of seeds.
        images: Number of pictures; 1 where a run has a single number.
    """

    mean: float
    low: float
    high: float
    spread: float
    seeds: int
    images: int


def summarise(values: np.ndarray, seed: int = 0, resamples: int = 2000) -> Summary:
    """Mean with a two-level 95 % interval: other pictures of the same kind, and other seeds.

    Pictures are drawn with replacement (percentile bootstrap, Efron 1979); all seeds of a picture
    stay together, because all runs complete the same pictures. Seeds are too few to be drawn: the
    bootstrap over three of them would cover 75 %. Their part of each draw is Student's t with one
    degree of freedom less than there are seeds, times the standard error of the seeds' means.
    The noise that pictures and seeds share counts in both parts, so the interval is slightly
    wider than it need be.

    With one seed the interval is that over pictures and says nothing of other seeds; with one
    number per run it is Student's t interval over seeds.

    Args:
        values: ``(seeds, images)``; a paired difference is given as the difference of two such.
        seed: Of the resampling: the same values have the same interval.
        resamples: Draws of pictures.

    Raises:
        ValueError: There is no value, or one is not finite.
    """
    if values.ndim != 2 or not values.size or not np.isfinite(values).all():
        raise ValueError(f"summarise: expected finite (seeds, images), got shape {values.shape}.")
    seeds, images = values.shape
    mean = float(values.mean())
    of_seeds = values.mean(axis=1)
    spread = float(of_seeds.std(ddof=1)) if seeds > 1 else math.nan
    if seeds == images == 1:
        return Summary(mean, math.nan, math.nan, spread, seeds, images)
    rng = np.random.default_rng(seed)
    of_images = values.mean(axis=0)
    draws = np.array(
        [of_images[rng.integers(images, size=images)].mean() for _ in range(resamples)]
    )
    if seeds > 1:
        shift = rng.standard_t(seeds - 1, size=(PER_DRAW, resamples)) * spread / math.sqrt(seeds)
        draws = (draws + shift).ravel()
    low, high = np.quantile(draws, (0.025, 0.975))
    return Summary(mean, float(low), float(high), spread, seeds, images)
