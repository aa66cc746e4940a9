"""Did a training stay sound? Simple rules on what was logged, for the paper's stability claims.

A run is

* **diverged** if a loss is NaN or infinite in the end, or validation L1 ever;
* **collapsed** if at a validation in the second half of the run ``val/hole_variance`` is below
  0.05: across pictures, the completed holes vary with less than a twentieth of the truth's
  variance, so the generator paints nearly the same whatever surrounds the hole;
* **saturated** if the critics have won and teach nothing: their loss, averaged over the last tenth
  of the logged steps, is below 0.04 for a loss that is never negative (vanilla, least squares,
  hinge). A vanilla pair of critics has 0.04 when it gives real pictures a probability of 0.99 and
  fakes 0.01;
* **run away** if a critics' loss that has no floor (Wasserstein) is in the last tenth larger in
  size than ten times its median size over the run. Steady or linear growth stays below two.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from farfill.rundir.record import CRITIC, L1, VARIANCE, Curve, Record, diverged

LEAST_VARIANCE = 0.05
LEAST_CRITIC_LOSS = 0.04
MOST_GROWTH = 10
FEWEST_POINTS = 10  # logged steps below which nothing is said about the critics

NAN = float("nan")


def collapsed(record: Record) -> bool:
    """Whether completions hardly vary with the picture, see above."""
    curve = _finite(record.curves.get(VARIANCE))
    if curve is None:
        return False
    late = curve.values[curve.steps >= curve.steps[-1] / 2]
    return bool((late < LEAST_VARIANCE).any())


def saturated(record: Record) -> bool:
    """Whether bounded critics have won, see above."""
    curve = _critic(record)
    if curve is None or curve.values.min() < 0:
        return False
    return bool(_late(curve) < LEAST_CRITIC_LOSS)


def run_away(record: Record) -> bool:
    """Whether unbounded critics grow without end, see above."""
    curve = _critic(record)
    if curve is None or curve.values.min() >= 0:
        return False
    sizes = curve._replace(values=np.abs(curve.values))
    return bool(_late(sizes) > MOST_GROWTH * np.median(sizes.values))


CHECKS: Mapping[str, Callable[[Record], bool]] = {
    "diverged": diverged,
    "collapsed": collapsed,
    "saturated": saturated,
    "run away": run_away,
}


def flags(record: Record) -> list[str]:
    """Names of all checks that a run fails."""
    return [name for name, check in CHECKS.items() if check(record)]


def unstable(record: Record) -> float:
    """1 if any check fails, else 0."""
    return float(bool(flags(record)))


def curve_mean(record: Record) -> float:
    """Mean of the validation L1 over the run, the area under its curve: low is fast."""
    curve = _finite(record.curves.get(L1))
    return NAN if curve is None or diverged(record) else float(curve.values.mean())


def setbacks(record: Record) -> float:
    """Sum of all rises of the validation L1 from one validation to the next: low is steady."""
    curve = _finite(record.curves.get(L1))
    if curve is None or diverged(record):
        return NAN
    return float(np.clip(np.diff(curve.values), 0, None).sum())


#: One number per run, by the name that a claim gives as its metric.
STATISTICS: Mapping[str, Callable[[Record], float]] = {
    "unstable": unstable,
    "diverged": lambda record: float(diverged(record)),
    "collapsed": lambda record: float(collapsed(record)),
    "saturated": lambda record: float(saturated(record)),
    "run_away": lambda record: float(run_away(record)),
    "l1_curve_mean": curve_mean,
    "l1_setbacks": setbacks,
}


def _critic(record: Record) -> Curve | None:
    curve = _finite(record.curves.get(CRITIC))
    return None if curve is None or len(curve.values) < FEWEST_POINTS else curve


def _late(curve: Curve) -> float:
    """Mean over the last tenth of the logged steps."""
    return float(curve.values[-max(1, len(curve.values) // 10) :].mean())


def _finite(curve: Curve | None) -> Curve | None:
    """The points before and after any that are not finite."""
    if curve is None:
        return None
    kept = np.isfinite(curve.values)
    return Curve(curve.steps[kept], curve.values[kept]) if kept.any() else None
