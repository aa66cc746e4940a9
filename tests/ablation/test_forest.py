"""Differences and their intervals, a row each."""

import math

from farfill.ablation import forest
from farfill.ablation.sweep import read_sweep
from farfill.ablation.verdict import judge_all
from helpers.sweeps import claim, gan_sweep

CLAIMS = [claim("hinge", "lsgan", "lower"), claim("hinge", "lsgan", "higher")]


def swept(folder, **l1):
    return read_sweep(gan_sweep(folder, l1, question={"claims": CLAIMS}), {}, [])


def test_a_claim_has_the_colour_of_its_verdict_and_the_area_that_it_claims(tmp_path):
    drawn = forest.claims(judge_all(swept(tmp_path, hinge=0.1, lsgan=0.2))).decode()
    assert "hinge is lower" in drawn
    assert "hinge is higher" in drawn
    assert "l1_hole, left - right" in drawn
    assert all(colour.lower() in drawn for colour in (forest.GOOD, forest.BAD))
    assert forest.OPEN.lower() not in drawn


def test_a_cell_is_better_worse_or_undecided(tmp_path):
    sweep = swept(tmp_path, hinge=0.1, lsgan=0.2, none=0.1, vanilla=0.05)
    drawn = forest.cells(sweep, ["l1_hole"]).decode()
    assert "gan=hinge" not in drawn  # the reference
    assert [f"gan={name}" in drawn for name in ("lsgan", "none", "vanilla")] == [True] * 3
    assert "telea" not in drawn  # it would squeeze the others
    assert all(colour.lower() in drawn for colour in (forest.GOOD, forest.BAD, forest.OPEN))
    assert forest.cells(sweep, ["l1_hole"]).decode() == drawn


def test_where_nothing_differs_nothing_is_drawn(tmp_path):
    alone = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1}), {}, [])
    assert forest.claims(judge_all(alone)) == forest.cells(alone, ["l1_hole"]) == b""


def test_a_reference_may_be_a_baseline_and_a_number_may_have_no_interval(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1}, seeds=1), {"baseline": "telea"}, [])
    assert b"the run" in forest.cells(sweep, ["l1_hole"])
    counted = [claim("hinge", "lsgan", "higher", "collapsed")]
    folder = tmp_path / "counts"
    runs = gan_sweep(folder, {"hinge": 0.1, "lsgan": 0.2}, question={"claims": counted})
    (verdict,) = judge_all(read_sweep(runs, {}, []))
    assert math.isnan(verdict.difference.low)
    assert b"collapsed, left - right" in forest.claims([verdict])
