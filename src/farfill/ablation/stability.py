"""Did a training stay sound? Simple rules on what was logged, for the paper's stability claims.

A run is

* **diverged** if a loss is NaN or infinite in the end, or validation L1 ever;
* **collapsed** if it says so in the end (:mod:`farfill.callback.health`), or if at a validation in
  the second half of the run ``val/hole_variance`` is below 0.05: across pictures, the completed
  holes vary with less than a twentieth of the truth's variance, so the generator paints nearly the
  same whatever surrounds the hole;
* **saturated** if the critics have won and teach nothing: their loss, averaged over the last tenth
  of the logged steps, is below 0.04 for a loss that is never negative (vanilla, least squares,
  hinge). A vanilla pair of critics has 0.04 when it gives real pictures a probability of 0.99 and
  fakes 0.01;
* **cut short** if ``trainer.max_time`` ended it before its last step, which is not unstable;
* **run away** if a critics' loss that has no floor (Wasserstein) is in the last tenth larger in
  size than ten times its median size over the run. Steady or linear growth stays below two.
"""

from collections.abc import Callable, Mapping
from operator import attrgetter

import numpy as np

from farfill.rundir.record import CRITIC, L1, VARIANCE, Curve, Record, diverged

LEAST_VARIANCE = 0.05
LEAST_CRITIC_LOSS = 0.04
MOST_GROWTH = 10
SHORT = "cut short"
FEWEST_POINTS = 10  # logged steps below which nothing is said about the critics


def collapsed(record: Record) -> bool:
    """Whether completions hardly vary with the picture, see above."""
    curve = _finite(record, VARIANCE)
    late = curve.values[curve.steps >= curve.steps.max(initial=0) / 2]
    return record.collapsed or bool((late < LEAST_VARIANCE).any())


def saturated(record: Record) -> bool:
    """Whether bounded critics have won, see above."""
    losses = _finite(record, CRITIC).values
    bounded = len(losses) >= FEWEST_POINTS and losses.min() >= 0
    return bool(bounded and _late_mean(losses) < LEAST_CRITIC_LOSS)


def run_away(record: Record) -> bool:
    """Whether unbounded critics grow without end, see above."""
    losses = _finite(record, CRITIC).values
    unbounded = len(losses) >= FEWEST_POINTS and losses.min() < 0
    sizes = np.abs(losses)
    return bool(unbounded and _late_mean(sizes) > MOST_GROWTH * np.median(sizes))


CHECKS: Mapping[str, Callable[[Record], bool]] = {
    "diverged": diverged,
    "collapsed": collapsed,
    "saturated": saturated,
    "run away": run_away,
    SHORT: attrgetter("short"),
}


def flags(record: Record) -> list[str]:
    """Names of all checks that a run fails."""
    return [name for name, check in CHECKS.items() if check(record)]


def validation_l1(record: Record) -> np.ndarray:
    """The validation L1 over the run; nothing but NaN if the run diverged or logged none."""
    values = _finite(record, L1).values
    return np.full(2, np.nan) if diverged(record) or not len(values) else values


#: One number per run, by the name that a claim gives as its metric.
STATISTICS: Mapping[str, Callable[[Record], float]] = {
    "unstable": lambda record: bool({*flags(record)} - {SHORT}),
    **{name.replace(" ", "_"): check for name, check in CHECKS.items()},
    # The area under the learning curve: low is fast. All its rises together: low is steady.
    "l1_curve_mean": lambda record: float(validation_l1(record).mean()),
    "l1_setbacks": lambda record: float(np.diff(validation_l1(record)).clip(0).sum()),
}


def _late_mean(values: np.ndarray) -> float:
    return float(values[-max(1, len(values) // 10) :].mean())


def _finite(record: Record, column: str) -> Curve:
    curve = record.curves.get(column, Curve(np.empty(0), np.empty(0)))
    kept = np.isfinite(curve.values)
    return Curve(curve.steps[kept], curve.values[kept])
