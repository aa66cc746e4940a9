"""Axes that show the curves whatever lies beside them, and files that do not change."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

from farfill.ablation.chart import (
    Line,
    Panel,
    by_picture,
    draw,
    fill_panel,
    mean_and_range,
    scatter,
)
from farfill.ablation.sweep import Sweep, read_sweep
from farfill.rundir.record import OURS, Curve, Record
from helpers.sweeps import gan_sweep

WAVE = 0.1 + 0.02 * np.sin(np.arange(100.0))


def curve(values, steps=None):
    return Curve(np.arange(len(values)) if steps is None else steps, np.asarray(values, float))


def panel(*values):
    lines = [Line(f"line {n}", [curve(row)], n) for n, row in enumerate(values)]
    return Panel("a & b", lines)


def axes_of(*values):
    axes = Figure().add_subplot()
    fill_panel(axes, panel(*values))
    return axes


def height_of_the_wave(axes):
    """Share of the axis that the usual values take."""
    low, high = axes.get_ylim()
    assert low < high
    to_axes = axes.transData + axes.transAxes.inverted()
    return np.diff(to_axes.transform([(0, WAVE.min()), (0, WAVE.max())])[:, 1])[0]


@pytest.mark.parametrize("outlier", [1e6, -1e6])
def test_an_outlier_does_not_flatten_the_curve(outlier):
    axes = axes_of(np.where(np.arange(100) == 50, outlier, WAVE))
    assert height_of_the_wave(axes) > 0.25
    (note,) = [text.get_text() for text in axes.texts]
    assert note.startswith("axis cut")
    assert "1e+06" in note


def test_a_curve_without_outliers_is_shown_whole():
    axes = axes_of(np.exp(-np.arange(100) / 40))
    assert not axes.texts
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[1] >= 1


@pytest.mark.parametrize(("sign", "scale", "least"), [(1, "log", 0.02), (-1, "symlog", 0.005)])
def test_curves_decades_apart_get_a_logarithmic_axis(sign, scale, least):
    """On a linear axis the wave would take 0.00004 of the height."""
    axes = axes_of(*[WAVE] * 4, sign * 1e4 * WAVE)
    assert axes.get_yscale() == scale
    assert height_of_the_wave(axes) > least


def test_the_band_reaches_from_the_least_to_the_greatest_seed():
    """Over those that are finite at a step; where none is, the line has a gap."""
    seeds = [curve([1, np.nan, 3]), curve([3, np.inf, 5]), curve([2], np.array([0]))]
    steps, mean, low, high = mean_and_range(seeds)
    assert steps.tolist() == [0, 1, 2]
    np.testing.assert_array_equal(mean, [2, np.nan, 4])
    np.testing.assert_array_equal(low, [1, np.nan, 3])
    np.testing.assert_array_equal(high, [3, np.nan, 5])


def test_panels_share_one_legend_and_the_same_curves_are_the_same_file():
    figure = draw([panel(WAVE, WAVE + 1), panel(WAVE, WAVE + 2), Panel("empty", [])])
    assert figure == draw([panel(WAVE, WAVE + 1), panel(WAVE, WAVE + 2), Panel("empty", [])])
    text = figure.decode()
    assert text.count(">line 1<") == 1
    assert "a &amp; b" in text
    assert "nothing logged" in text
    assert "dc:date" not in text


def test_a_point_is_a_pictures_mean_over_the_seeds_that_both_cells_have():
    def cell(*rows):
        return [
            Record(
                {}, seed, Path("x"), curves={"a": curve([1])}, scores={OURS: {"m": np.array(row)}}
            )
            for seed, row in enumerate(rows)
        ]

    left = cell([1.0, 2.0, 3.0], [3.0, 4.0, np.nan], [100.0, 100.0, 100.0])
    right = cell([5.0, 6.0, 7.0], [7.0, 8.0, 9.0])
    np.testing.assert_array_equal(by_picture(left, right, "m"), [[2, 3], [6, 7]])
    assert by_picture(left, right, "other").shape == (2, 0)


def test_the_scatter_says_in_how_many_pictures_a_cell_is_lower(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.2, "lsgan": 0.1, "none": None}), {}, [])
    svg = scatter(sweep).decode()
    assert "gan=lsgan: lower in 12 of 12" in svg
    assert "telea (classical baseline): lower in 12 of 12" not in svg
    assert "telea (classical baseline): lower in" in svg
    assert "gan=none: lower" not in svg
    assert scatter(sweep) == scatter(sweep)
    alone = Sweep([run for run in sweep.records if run.label == "gan=none"])
    assert scatter(alone) == b""
