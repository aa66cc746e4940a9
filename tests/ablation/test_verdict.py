"""Intervals stay where a metric can be; verdicts follow from them and from nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from farfill.ablation.power import Shares
from farfill.ablation.stability import STATISTICS
from farfill.ablation.sweep import Sweep, read_sweep
from farfill.ablation.verdict import (
    AGREES,
    DIFFERS,
    OPEN,
    _ends,
    difference,
    judge,
    judge_all,
    summary,
)
from farfill.evaluation.ranges import possible
from farfill.evaluation.statistics import estimate
from farfill.metric.suite import NAMES
from farfill.rundir.record import OURS, Curve, Record
from helpers.sweeps import claim, gan_run, gan_sweep

END = Curve(np.array([1.0]), np.array([1.0]))


@pytest.mark.parametrize(
    ("expects", "at", "word"),
    [
        ("lower", -1.5, AGREES),
        ("lower", 0, OPEN),
        ("lower", 1.5, DIFFERS),
        ("higher", 1.5, AGREES),
        ("higher", -1.5, DIFFERS),
        ("same", 0, AGREES),
        ("same", 0.5, OPEN),
        ("same", 0.9, DIFFERS),
        ("same", -0.9, DIFFERS),
        ("not_lower", 3, AGREES),
        ("not_lower", -0.5, OPEN),
        ("not_lower", -2, DIFFERS),
        ("not_higher", -3, AGREES),
        ("not_higher", 3, DIFFERS),
    ],
)
def test_where_the_differences_lie_decides(expects, at, word):
    """Five seeds around ``at``: the interval reaches 0.1 t / sqrt(5), 0.124, to both sides."""
    margin = {"within": {"absolute": 0.5}} if expects not in ("lower", "higher") else {}
    offsets = 0.1 * np.array([-1, -1, 0, 1, 1])
    found = judge(two_cells(at + offsets, np.zeros(5)), {**CLAIM, "expects": expects, **margin})
    assert (found.plain, found.why) == (word, "")


CLAIM = {"says": "", "metric": "my_own", "left": {"gan": "a"}, "right": {"gan": "b"}}


def two_cells(left, right, metric="my_own", config=None):
    """One number per seed and cell; the cells are ``gan=a`` and ``gan=b``."""
    records = [
        Record(
            {"gan": cell},
            seed,
            curves={"val/l1_hole": END, f"val/{metric}": Curve(END.steps, np.array([value]))},
            scores={OURS: {"l1_hole": np.zeros(1)}},
            folder="x",
            config=(config or {}).get(cell, {}),
        )
        for cell, values in (("a", left), ("b", right))
        for seed, value in enumerate(values)
    ]
    return Sweep(records)


def with_claims(sweep, *claims):
    return Sweep(sweep.records, question={"claims": claims})


def test_p_is_that_of_the_paired_t_test():
    rng = np.random.default_rng(2)
    left, right = rng.normal(0.6, 1, 8), rng.normal(size=8)
    found = judge(two_cells(left, right), {**CLAIM, "expects": "higher"})
    assert found.p == pytest.approx(stats.ttest_rel(left, right).pvalue, rel=0.05)


def test_the_verdict_follows_the_corrected_p_and_the_plain_one_stands_beside_it():
    """Two claims of one finding at p 0.03, one of them its opposite, and one that has no cell."""
    differences = np.array([0.3, 1.2, 0.6, 1.5])
    assert 0.025 < stats.ttest_1samp(differences, 0).pvalue < 0.05
    sweep = two_cells(differences, np.zeros(4))
    higher = {**CLAIM, "expects": "higher"}
    (alone,) = judge_all(with_claims(sweep, higher))
    assert (alone.word, alone.plain, alone.corrected, alone.power) == (AGREES, AGREES, alone.p, "")
    absent = {**higher, "right": {"gan": "c"}}
    claims = (higher, {**CLAIM, "expects": "lower"}, absent)
    first, second, third = judge_all(with_claims(sweep, *claims))
    assert [one.plain for one in (first, second, third)] == [AGREES, DIFFERS, OPEN]
    assert [one.word for one in (first, second, third)] == [OPEN] * 3
    assert first.corrected == second.corrected == pytest.approx(3 * alone.p)
    assert third.p == third.corrected == 1
    assert "the observed one needs" in first.power


def test_counts_of_runs_are_compared_by_fishers_test_on_all_runs():
    """Seeds need not be common: it is no paired test."""
    left, right = [1.0] * 5 + [0.0] * 3, [0.0] * 9
    sweep = collapses(left, right)
    higher, lower = ({**CLAIM, "metric": "collapsed", "expects": x} for x in ("higher", "lower"))
    found = judge(sweep, higher)
    assert (found.plain, found.tested) == (AGREES, Shares(5, 8, 0, 9))
    one_sided = stats.fisher_exact([[5, 3], [0, 9]], alternative="greater").pvalue
    assert found.p == pytest.approx(2 * one_sided)
    assert judge(sweep, lower).plain == DIFFERS
    assert judge(collapses([1.0] * 3, [0.0] * 3), higher).plain == OPEN


def collapses(left, right):
    sweep = two_cells(left, right)
    return Sweep(
        [replace(run, collapsed=bool(run.curves["val/my_own"].values[0])) for run in sweep.records]
    )


def test_counts_know_no_margin():
    claim = {**CLAIM, "metric": "collapsed", "expects": "same", "within": 0.1}
    with pytest.raises(ValueError, match="which counts runs, got same"):
        judge(collapses([1.0], [0.0]), claim)


def test_a_metric_undefined_in_a_cell_leaves_the_claim_open_and_says_so():
    sweep = two_cells([1.0, 1.1, 1.2], [np.nan] * 3)
    found = judge(sweep, {**CLAIM, "expects": "higher"})
    assert (found.word, found.plain, found.p) == (OPEN, OPEN, 1)
    assert found.why == "my_own is undefined in gan=b"


def test_pictures_in_which_a_metric_is_undefined_count_in_no_run():
    rows = np.array([[1.0, 2.0, np.nan], [3.0, np.nan, np.nan], [5.0, 6.0, np.nan], [np.nan] * 3])
    cell = [
        Record({}, seed, curves={"val/l1_hole": END}, scores={OURS: {"m": row}}, folder="x")
        for seed, row in enumerate(rows)
    ]
    found = summary(cell, "m")
    assert (found.mean, found.runs, found.images) == (3, 3, 1)


@pytest.mark.parametrize(
    ("untrained", "why"), [("ab", "none of these runs has trained"), ("b", "")]
)
def test_runs_that_have_not_trained_decide_nothing_but_against_those_that_have(untrained, why):
    config = {cell: {"learning_rate": 0} for cell in untrained}
    sweep = two_cells([1.0, 1.1, 1.2], [0.0] * 3, config=config)
    sweep.records.append(Record({"gan": "a"}, 4))  # a run that never started
    found = judge(sweep, {**CLAIM, "expects": "higher"})
    assert (found.plain, found.why) == (OPEN if why else AGREES, why)


def test_a_margin_is_a_share_of_the_right_cell_or_absolute():
    sweep = two_cells([1.0, 1.1, 1.2], [2.0, 2.1, 2.2])
    margins = [
        judge(sweep, {**CLAIM, "expects": "same", "within": within}).margin
        for within in (0.5, {"absolute": 0.3})
    ]
    assert margins == pytest.approx([1.05, 0.3])


@pytest.mark.parametrize(
    "within", ["a lot", {"relative": 1}, {"absolute": 1, "x": 2}, -1, {}, None]
)
def test_a_margin_that_is_none_is_refused(within):
    with pytest.raises(ValueError, match="expected `within` to be a share"):
        judge(two_cells([1.0], [1.0]), {**CLAIM, "expects": "same", "within": within})


def test_one_seed_decides_nothing():
    found = judge(two_cells([1.0], [0.0]), {**CLAIM, "expects": "higher"})
    assert (found.plain, found.why) == (OPEN, "one seed says nothing about others")


@pytest.mark.parametrize(
    ("expects", "more", "word"),
    [
        ("lower", {}, AGREES),
        ("higher", {}, DIFFERS),
        ("same", {"within": 0.5}, AGREES),
        ("same", {"within": 0.01}, DIFFERS),
    ],
)
def test_a_claim_is_held_against_the_runs(tmp_path, expects, more, word):
    """The left cell's L1 is 0.1 below a right mean of 0.325."""
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.2, "lsgan": 0.3}), {}, [])
    found = judge(sweep, claim("hinge", "lsgan", expects, **more))
    assert found.plain == word
    assert found.difference.mean == pytest.approx(-0.1, abs=0.002)
    assert (found.difference.runs, found.difference.images) == (3, 12)
    assert found.margin == pytest.approx(more.get("within", 0) * 0.325, abs=0.001)


def test_a_verdict_on_collapsed_runs_is_called_doubtful(tmp_path):
    gan_sweep(tmp_path, {"hinge": 0.2}, seeds=2)
    for seed in (1, 2):
        gan_run(tmp_path / f"9{seed}", "lsgan", seed, l1=0.3, curves={"val/hole_variance": [0.0]})
    found = judge(read_sweep(tmp_path, {}, []), claim("hinge", "lsgan", "lower"))
    assert found.plain == AGREES
    assert found.why == "but 2 of 4 runs are unsound, see below"


def test_equal_cells_are_not_distinguishable(tmp_path):
    cells = {"hinge": 0.2, "lsgan": 0.20001}
    sweep = read_sweep(gan_sweep(tmp_path, cells), {}, [])
    assert judge(sweep, claim("hinge", "lsgan", "lower")).plain == OPEN


def test_a_baseline_may_stand_on_a_side(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.3}), {}, [])
    against = {**claim("hinge", "", "lower"), "right": {"baseline": "telea"}}
    assert judge(sweep, against).plain == AGREES
    assert judge(sweep, {**against, "left": {"gan": "lsgan"}}).plain == DIFFERS


def test_an_untrained_cell_decides_nothing_against_a_baseline(tmp_path, monkeypatch):
    monkeypatch.setattr("farfill.ablation.verdict.is_untrained", lambda run: "gan" in run.cell)
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.3}), {}, [])
    against = {**claim("hinge", "", "lower"), "right": {"baseline": "telea"}}
    found = judge(sweep, against)
    assert (found.plain, found.why) == (OPEN, "none of these runs has trained")
    alike = judge(sweep, {**against, "left": {"baseline": "telea"}})  # which is not about training
    assert alike.why == ""


def test_a_cell_that_failed_or_is_absent_leaves_the_claim_open(tmp_path):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": None}), {}, [])
    failed = judge(sweep, claim("hinge", "lsgan", "lower"))
    absent = judge(sweep, claim("hinge", "none", "lower"))
    assert (failed.word, failed.why) == (OPEN, "no seed has this metric in both cells")
    assert absent.word == OPEN
    assert "got 0 of gan=hinge, gan=lsgan" in absent.why


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"expects": "better"}, "expected `expects` to be one of lower"),
        ({"expects": "same"}, "expected `within`"),
        ({"within": 0.1}, "expected `within`"),
        ({"metric": None}, "lacks"),
    ],
)
def test_a_claim_that_is_not_well_formed_is_refused(tmp_path, change, words):
    sweep = read_sweep(gan_sweep(tmp_path, {"hinge": 0.1, "lsgan": 0.2}), {}, [])
    changed = {**claim("hinge", "lsgan", "lower"), **change}
    changed = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(ValueError, match=words):
        judge(sweep, changed)


def runs(*ssim):
    """Two pictures a run, as alike as ``ssim``."""
    curves = {"val/l1_hole": END, "val/attention_loss": END}
    return [
        Record({}, seed, curves=curves, scores={OURS: {"ssim_full": np.full(2, value)}}, folder="x")
        for seed, value in enumerate(ssim)
    ]


def test_an_interval_over_few_seeds_ends_where_the_metric_does():
    cell = runs(0.9, 0.99)
    free = estimate(np.array([[0.9, 0.9], [0.99, 0.99]]))
    found = summary(cell, "ssim_full")
    assert free.high > 1
    assert (found.low, found.high) == (free.low, 1)
    assert found.mean == free.mean


def test_a_difference_ends_where_the_difference_of_two_ends():
    found = difference(runs(1.0, -1.0), runs(-1.0, 1.0), "ssim_full")
    assert (found.low, found.mean, found.high) == (-2, 0, 2)


def test_metrics_of_the_report_know_their_range():
    assert all(np.isfinite(possible(name)).any() for name in NAMES)
    assert all(np.isfinite(_ends(name)).any() for name in STATISTICS)
    assert _ends("collapsed") == _ends("run_away") == (0, 1)
    assert possible("l1_setbacks") == possible("fid_efficientnet_lite0") == (0, np.inf)
    assert possible("uids_vgg16") == possible("attention_relative_entropy") == (0, 1)
    assert possible("my_own") == (-np.inf, np.inf)


def test_a_single_number_keeps_no_interval():
    found = summary(runs(0.9), "collapsed")
    assert found.mean == 0
    assert np.isnan([found.low, found.high]).all()


def test_holes_of_one_picture_count_once_in_both_cells():
    cell = [replace(run, clusters=("a", "a")) for run in runs(0.9, 0.8)]
    cell[0].scores[OURS]["ssim_full"][:] = 0.7, 0.9
    found = summary(cell, "ssim_full")
    assert (found.mean, found.images) == (pytest.approx(0.8), 1)
