"""What a sweep could have found, and what a pilot says of the next one."""

import math
from dataclasses import replace

import pytest

from farfill.ablation.command import pilot
from farfill.ablation.power import Shares, in_words, power_of_means, power_of_shares
from farfill.ablation.sweep import Sweep, read_sweep
from farfill.ablation.tables import needs
from farfill.ablation.verdict import judge_all
from farfill.evaluation.statistics import Design, counts_test, power_of_counts
from farfill.rundir.status import write_status
from helpers.sweeps import claim, gan_sweep

FIVE = Design(5, 1.0, 0.0, 0.0)
LOWER = (-math.inf, 0.0)


@pytest.mark.parametrize("gap", [-0.5, 0.5])
def test_half_a_standard_deviation_needs_34_seeds_whichever_way(gap):
    """G*Power's figure for a paired t test; five find 1.68 standard deviations."""
    found = power_of_means(FIVE, gap, *LOWER)
    assert (found.seeds, found.why) == (34, "")
    assert found.detectable == pytest.approx(1.682, abs=0.002)
    assert in_words(found) == (
        "80 % power for a difference of 1.7; the observed one needs 34 seeds"
    )


def test_a_margin_is_needed_on_both_sides():
    """Each of two one-sided tests may miss in a tenth of cases."""
    both, one = (power_of_means(FIVE, 0.0, low, 1.0) for low in (-1.0, -math.inf))
    assert FIVE.power(1.0, both.seeds) >= 0.9 > FIVE.power(1.0, both.seeds - 1)
    assert FIVE.power(1.0, one.seeds) >= 0.8 > FIVE.power(1.0, one.seeds - 1)
    assert FIVE.power(both.detectable, 5) == pytest.approx(0.9)
    assert FIVE.power(one.detectable, 5) == pytest.approx(0.8)
    assert "a margin, were both equal, of" in in_words(both, margin=True)


def test_beyond_a_margin_only_the_near_end_counts():
    assert power_of_means(FIVE, 1.5, -1.0, 1.0).seeds == 34


def test_what_no_sensible_number_of_seeds_decides_is_said_to_be_so():
    assert "below 1 % of the spread" in power_of_means(FIVE, 0.001, *LOWER).why
    assert power_of_means(FIVE, 0.02, *LOWER).why == "more than 1000"
    pictures = Design(5, 0.1, 1.0, 0.0)
    found = power_of_means(pictures, 1.0, *LOWER)
    assert (found.seeds, found.why) == (None, "more pictures have to be measured")
    assert "no sensible number of seeds" in in_words(found)


def test_runs_that_a_difference_of_counts_needs():
    found = power_of_shares(Shares(1, 3, 0, 3), up=True)
    assert math.isnan(found.detectable)  # three of three against none has a p of 0.1
    assert counts_test(3, 3, 0, 3) > 0.05
    assert (
        power_of_counts(1 / 3, 0, found.seeds) >= 0.8 > power_of_counts(1 / 3, 0, found.seeds - 1)
    )
    assert in_words(found).startswith("80 % power for no difference")


def test_the_least_share_that_many_runs_find():
    found = power_of_shares(Shares(3, 20, 3, 20), up=True)
    assert power_of_counts(0.15 + found.detectable, 0.15, 20) == pytest.approx(0.8)
    assert (found.seeds, found.why) == (None, "both cells have the same share")
    down = power_of_shares(Shares(10, 20, 18, 20), up=False)
    assert power_of_counts(0.9, 0.9 - down.detectable, 20) == pytest.approx(0.8)


@pytest.fixture
def sweep(tmp_path):
    claims = [claim("hinge", "lsgan", "lower"), claim("hinge", "none", "lower")]
    cells = {"hinge": 0.1, "lsgan": 0.1007}
    gan_sweep(tmp_path, cells, question={"id": "gan", "claims": claims})
    for number in range(6):
        times = {"started": "2026-01-31T10:00:00+00:00", "ended": "2026-01-31T10:30:00+00:00"}
        write_status(tmp_path / str(number), "done", **times)
    return tmp_path


def test_a_pilot_says_what_its_claims_need(sweep, capsys):
    pilot(sweep)
    first, second, total = [
        line for line in capsys.readouterr().out.splitlines() if "is lower" in line or "All" in line
    ]
    cells = [cell.strip() for cell in first.split("|")[1:-1]]
    seeds, hours = int(cells[5]), float(cells[6])
    assert cells[4] == "3"
    assert seeds > 3
    assert hours == pytest.approx(seeds * 2 * 0.5)
    assert "got 0 of gan=hinge" in second
    assert total == f"All 2 cells with {seeds} seeds: {hours:.1f} hours."


def test_hours_are_those_of_runs_that_ended_well(sweep):
    known = read_sweep(sweep, {}, [])
    lost = [replace(run, hours=math.nan) if run.seed > 1 else run for run in known.records]
    some = Sweep(lost, known.question)
    assert (
        needs(some, judge_all(some)).splitlines()[-1]
        == (needs(known, judge_all(known)).splitlines()[-1])
    )


def test_a_pilot_that_can_say_nothing_says_so(tmp_path, capsys):
    claims = [claim("hinge", "none", "lower")]
    gan_sweep(tmp_path, {"hinge": 0.1}, question={"id": "gan", "claims": claims})
    pilot(tmp_path)
    assert capsys.readouterr().out.endswith("No claim says how many seeds it needs.\n")


def test_a_pilot_without_claims_is_refused_in_one_line(tmp_path, capsys):
    gan_sweep(tmp_path, {"hinge": 0.1})
    with pytest.raises(SystemExit):
        pilot(tmp_path)
    assert "expected a sweep whose question has claims" in capsys.readouterr().err
