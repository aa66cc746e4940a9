"""Each rule fires on the training it describes, and on no other."""

import math
from dataclasses import replace

import numpy as np
import pytest

from farfill.ablation.stability import STATISTICS, flags
from farfill.rundir.record import Curve, Record

STEPS = 40


def record(**curves):
    names = {"critic": "train/critic/total", "l1": "val/l1_hole", "variance": "val/hole_variance"}
    made = {
        names[name]: Curve(np.arange(1.0, len(values) + 1), np.asarray(values, dtype=float))
        for name, values in curves.items()
    }
    return Record({}, 1, curves=made)


@pytest.mark.parametrize(
    ("curves", "expected"),
    [
        ({"l1": [0.3, 0.2, 0.1], "critic": [-3.0] * STEPS, "variance": [0.01, 0.4, 0.6]}, []),
        ({"critic": [*[1.0] * 20, math.nan]}, ["diverged"]),
        ({"critic": [*[1.0] * 20, math.inf]}, ["diverged"]),
        ({"critic": [*[1.0] * 20, math.nan, *[1.0] * 20]}, []),  # an update was skipped
        ({"l1": [0.1, math.nan, 0.1]}, ["diverged"]),
        ({"variance": [0.5, 0.5, 0.04, 0.5]}, ["collapsed"]),
        ({"variance": [0.04, 0.5, 0.5, 0.5]}, []),
        ({"critic": [*[1.4] * 36, *[0.039] * 4]}, ["saturated"]),
        ({"critic": [*[1.4] * 36, *[0.041] * 4]}, []),
        ({"critic": [-0.01] * STEPS}, []),
        ({"critic": -np.arange(1.0, STEPS + 1)}, []),
        ({"critic": -np.exp(np.arange(STEPS) / 4)}, ["run away"]),
        ({"critic": [0.0] * 5}, []),
        ({}, []),
    ],
)
def test_checks(curves, expected):
    assert flags(record(**curves)) == expected
    assert STATISTICS["unstable"](record(**curves)) == bool(expected)


def test_a_run_that_says_it_diverged_has_though_no_logged_step_shows_it():
    assert flags(replace(record(critic=[1.0] * STEPS), diverged=True)) == ["diverged"]


def test_the_learning_curve_in_two_numbers():
    curve = record(l1=[0.4, 0.2, 0.3, 0.1, 0.15])
    assert STATISTICS["l1_curve_mean"](curve) == pytest.approx(0.23)
    assert STATISTICS["l1_setbacks"](curve) == pytest.approx(0.15)


@pytest.mark.parametrize("name", ["l1_curve_mean", "l1_setbacks"])
def test_a_broken_curve_has_no_number(name):
    assert math.isnan(STATISTICS[name](record(l1=[0.4, math.nan, 0.1])))
    assert math.isnan(STATISTICS[name](record()))
