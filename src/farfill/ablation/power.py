"""What a sweep could have found, and how many seeds what it saw would need."""

import math
from typing import NamedTuple

from scipy.optimize import brentq

from farfill.evaluation.statistics import (
    LEVEL,
    MOST_RUNS,
    POWER,
    Design,
    fewest,
    power_of_counts,
)

#: Below this share of the spread over seeds a difference is nothing to look for.
NEGLIGIBLE = 0.01


class Shares(NamedTuple):
    """Runs with a property in two cells."""

    left: int
    of_left: int
    right: int
    of_right: int


class Power(NamedTuple):
    """Both answers, for one claim."""

    detectable: float  # least difference (or margin) found with 80 % power; NaN: none is
    seeds: int | None  # a cell, that find what was observed with it; None: none that is sensible
    why: str  # why none is; may be empty


def power_of_means(
    parts: Design, gap: float, low: float, high: float, level: float = LEVEL
) -> Power:
    """For a difference ``gap`` of means, of which is claimed that it lies in ``(low, high)``.

    What has to be found is how far ``gap`` is from the ends of that range: from both, if it lies
    inside, else from the one it is beyond. Where there is a margin, the least that is found is the
    least margin that would be met were both cells equal.
    """
    ends = [end for end in (low, high) if math.isfinite(end)]
    effects = [abs(gap - end) for end in ends]
    if not low < gap < high:
        effects = [min(effects)]
    least = parts.detectable(level, 1 - (1 - POWER) / len(ends))
    if min(effects) <= NEGLIGIBLE * parts.spread:
        return Power(least, None, f"it is below {100 * NEGLIGIBLE:.0f} % of the spread over seeds")
    seeds = parts.needed(effects, level)
    if seeds is None:
        stuck = sum(1 - parts.power(x, 10**6, level) for x in effects) > 1 - POWER
        why = "more pictures have to be measured" if stuck else f"more than {MOST_RUNS}"
        return Power(least, None, why)
    return Power(least, seeds, "")


def power_of_shares(shares: Shares, up: bool, level: float = LEVEL) -> Power:
    """For counts of runs; ``up``: the left cell is claimed to have more.

    The least difference is from the right cell's share, with as many runs as the smaller cell has.
    """
    left, right = shares.left / shares.of_left, shares.right / shares.of_right
    runs = min(shares.of_left, shares.of_right)

    def missing(share: float, number: int = runs) -> float:
        return POWER - power_of_counts(max(share, right), min(share, right), number, level)

    end = 1.0 if up else 0.0
    least = math.nan if missing(end) > 0 else abs(float(brentq(missing, right, end)) - right)
    if left == right:
        return Power(least, None, "both cells have the same share")
    seeds = fewest(lambda number: missing(left, number) <= 0)
    return Power(least, seeds, "" if seeds else f"more than {MOST_RUNS}")


def in_words(power: Power, margin: bool = False) -> str:
    """``80 % power for a difference of 0.005; the observed one needs 12 seeds``."""
    what = "a margin, were both equal," if margin else "a difference"
    found = "no difference" if math.isnan(power.detectable) else f"{what} of {power.detectable:.2g}"
    needs = (
        f"the observed one needs {power.seeds} seeds"
        if power.seeds
        else f"no sensible number of seeds for the observed one: {power.why}"
    )
    return f"{100 * POWER:.0f} % power for {found}; {needs}"
