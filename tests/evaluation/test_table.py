"""What the tables say about fillers with known scores."""

import csv
import io
import json
import math
import re
from dataclasses import replace

import pytest

from farfill.evaluation import table
from farfill.evaluation.score import Scores
from farfill.evaluation.table import PRINTED, arrow, compare, markdown, markdown_table
from farfill.metric.suite import NAMES


def constant(offset, n, more=()):
    """Picture i has i + offset everywhere."""
    pictures = {i: dict.fromkeys((*NAMES, *more), i + offset) for i in range(n)}
    return Scores(pictures, seconds=0.25, shares=dict.fromkeys(pictures, 0.25))


@pytest.fixture
def result(manifest):
    return compare({"ours": constant(10.0, 5), "Telea": constant(7.0, 5)}, manifest)


def test_differences_are_paired(result):
    interval = result.differences["ours minus Telea"]["psnr_hole"]
    assert interval[:3] == (3, 3, 3)
    assert result.means["ours"]["l1_hole"].mean == 12
    assert 10 < result.means["ours"]["l1_hole"].low < 12 < result.means["ours"]["l1_hole"].high


def test_irregular_holes_are_compared_by_how_much_of_the_picture_is_missing(manifest):
    """Shares as of irregular masks; one tenth or two, as of boxes, are one kind of hole."""
    few, many = (
        {0: 0.11, 1: 0.19, 2: 0.21, 3: 0.29, 4: 0.2},
        {0: 0.05, 1: 0.09, 2: 0.1, 3: 0.35, 4: 1},
    )
    ours, telea = constant(10.0, 5, ["lpips_x"]), constant(7.0, 5, ["lpips_x"])
    scores = {"ours": ours._replace(shares=few), "Telea": telea._replace(shares=few)}
    assert not compare(scores, manifest).by_share
    scores = {title: one._replace(shares=many) for title, one in scores.items()}
    result = compare(scores, manifest)
    means, differences, _, counts, _ = markdown(result).split("\n\n")
    assert counts == (
        "By how much of the picture is missing, n = 0-10 %: 2, 10-20 %: 1, 30-40 %: 1, 90-100 %: 1."
    )
    for name in ("l1_hole", "psnr_full", "ssim_full", "lpips_x"):
        assert len(re.findall(rf"{name} [0-9-]+ % [↑↓]", means)) == 4
    assert re.search(r"l1_hole 0-10 % ↓ +\| +10\.5000 \[", means)
    assert re.search(r"l1_hole 90-100 % ↓ +\| +3\.0000 \[", differences)
    row = next(csv.DictReader(io.StringIO(table.per_image_csv(result, {}))))
    assert row["hole_share"] == "0.05"
    few = json.loads(table.result_json(result))["by_share"]["0-10 %"]
    assert (few["n"], few["clusters"], few["fillers"]["Telea"]["l1_hole"]["mean"]) == (2, 2, 7.5)
    assert few["differences"]["ours minus Telea"]["lpips_x"]["low"] == 3


def test_samples_of_a_cluster_count_once(manifest):
    """Pictures 0 and 1 are frames of one film: 0.5, 2, 3 and 4 and no more."""
    film = [replace(entry, cluster=str(max(entry.index, 1))) for entry in manifest.entries]
    result = compare({"ours": constant(10.0, 5)}, replace(manifest, entries=film))
    found = result.means["ours"]["l1_hole"]
    assert (found.mean, found.images) == (12.375, 4)
    assert "n = 4 (5 samples)" in markdown(result)
    counts = json.loads(table.result_json(result))
    assert (counts["n"], counts["clusters"]) == (5, 4)
    row = next(csv.DictReader(io.StringIO(table.summary_csv(result))))
    assert (row["n"], row["clusters"]) == ("5", "4")


def test_a_distance_of_sets_stays_what_it_is_in_clusters_of_unequal_size(manifest):
    film = [replace(entry, cluster=str(max(entry.index, 2))) for entry in manifest.entries]
    scores = {"ours": constant(10.0, 5, ["fid_x", "lpips_x"])}
    means = compare(scores, replace(manifest, entries=film)).means["ours"]
    assert means["fid_x"].mean == 12
    assert means["lpips_x"].mean == pytest.approx((11 + 13 + 14) / 3)


def test_an_interval_ends_where_the_metric_does(manifest):
    wild = {i: dict.fromkeys(NAMES, float(i == 0)) for i in range(2)}
    two = replace(manifest, entries=manifest.entries[:2])
    ours = Scores(wild, seconds=0.25, shares=dict.fromkeys(wild, 0.25))
    result = compare(
        {
            "ours": ours,
            "zero": ours._replace(pictures={i: dict.fromkeys(NAMES, 0.0) for i in range(2)}),
        },
        two,
    )
    assert result.means["ours"]["ssim_full"][1:3] == (-1, 1)
    assert result.means["ours"]["l1_hole"].low == 0
    assert result.differences["ours minus zero"]["ssim_full"][1:3] == (-2, 2)


def test_a_completion_that_is_not_finite_shows_whatever_else_its_picture_has(manifest):
    film = [replace(entry, cluster=str(max(entry.index, 2))) for entry in manifest.entries]
    ours = constant(10.0, 5)
    ours.pictures[1]["l1_hole"] = float("nan")
    means = compare({"ours": ours}, replace(manifest, entries=film)).means["ours"]
    assert math.isnan(means["l1_hole"].mean)
    assert not math.isnan(means["l2_hole"].mean)


def test_markdown_has_a_column_per_filler_and_difference(result, manifest):
    means, differences, caption = markdown(result).split("\n\n")
    header, rule, *rows = (
        [c.strip() for c in line.split("|")[1:-1]] for line in means.splitlines()
    )
    assert header == ["metric", "ours", "Telea"]
    assert len(rule) == 3
    cells = {row[0]: row[1:] for row in rows}
    assert set(cells) == {f"{name} {arrow(name)}".strip() for name in PRINTED} | {"s / picture"}
    assert cells["l1_hole ↓"][0].startswith("12.0000 [")
    assert cells["l1_hole ↓"][1].startswith("9.0000 [")
    assert cells["s / picture"] == ["0.250", "0.250"]
    assert "| psnr_hole ↑" in differences
    assert "3.00 [3.00, 3.00]" in differences
    assert differences.startswith("| ours minus ... ")
    assert "Telea" in differences.splitlines()[0]
    assert manifest.hash in caption
    assert "n = 5" in caption


def test_distances_follow_the_suite_with_a_word_on_what_they_compare_with(manifest):
    more = ("swd", "fid_efficientnet_lite0", "uids_efficientnet_lite0")
    result = compare({"ours": constant(1.0, 5, more), "Telea": constant(0.0, 5, more)}, manifest)
    means, differences, _, caption = markdown(result).split("\n\n")
    for text in (means, differences):
        assert "| swd ↓ " in text
        assert "| uids_efficientnet_lite0 ↑ " in text
    assert re.search(r"fid_efficientnet_lite0 ↓ +\| +3\.00 \[", means)
    assert "equal n only" in caption
    assert "do not compare with papers" in caption
    assert result.differences["ours minus Telea"]["swd"].mean == 1
    assert "swd" in table.per_image_csv(result, {}).splitlines()[0].split(",")


def test_markdown_is_aligned_and_narrow(result):
    for text in markdown(result).split("\n\n")[:2]:
        assert len({len(line) for line in text.splitlines()}) == 1
        assert len(text.splitlines()[0]) <= 100


def test_other_pictures_are_not_compared(manifest):
    with pytest.raises(ValueError, match="the same pictures"):
        compare({"ours": constant(1.0, 5), "Telea": constant(1.0, 4)}, manifest)


@pytest.mark.parametrize(
    ("padded", "rule"), [(False, "| --- | ---: |"), (True, "| -------- | -----: |")]
)
def test_a_cell_of_a_markdown_table_may_hold_anything(padded, rule):
    lines = markdown_table(["a", "number"], [["b | c\nd", 3]], padded=padded).splitlines()
    assert lines[1] == rule
    assert [cell.strip() for cell in re.split(r"(?<!\\)\|", lines[2])[1:-1]] == [r"b \| c d", "3"]


def test_a_single_filler_has_no_differences(manifest):
    assert "minus" not in markdown(compare({"ours": constant(1.0, 5)}, manifest))


def test_every_metric_but_total_variation_has_a_direction():
    assert {name for name in NAMES if not arrow(name)} == {n for n in NAMES if n.startswith("tv")}
    assert arrow("relative_l1_full") == "↓"
    assert set(PRINTED) < set(NAMES)


def test_summary_has_all_metrics_with_ends(result, manifest):
    ours, telea = csv.DictReader(io.StringIO(table.summary_csv(result)))
    assert (ours["filler"], telea["filler"]) == ("ours", "Telea")
    assert float(telea["l2_hole"]) == 9
    assert float(telea["l2_hole_low"]) < 9 < float(telea["l2_hole_high"])
    assert (ours["n"], ours["manifest"]) == ("5", manifest.hash)
    assert set(NAMES) < set(ours)


def test_per_image_names_picture_and_filler(result):
    rows = list(csv.DictReader(io.StringIO(table.per_image_csv(result, {}))))
    assert len(rows) == 10
    found = [rows[8][column] for column in ("filler", "name", "l2_full")]
    assert found == ["Telea", "picture3.jpg", "10.0"]


def test_json_holds_means_and_differences(result, manifest):
    content = json.loads(table.result_json(result))
    assert content["fillers"]["Telea"]["metrics"]["l1_hole"]["mean"] == 9
    assert content["differences"]["ours minus Telea"]["l1_hole"]["low"] == 3
    assert (content["manifest"], content["n"], content["seed"]) == (manifest.hash, 5, 3)


def test_single_picture_shows_no_interval(manifest):
    result = compare({"ours": constant(1.0, 1)}, replace(manifest, entries=manifest.entries[:1]))
    assert "1.0000 [n/a]" in markdown(result)
    metrics = json.loads(table.result_json(result))["fillers"]["ours"]["metrics"]
    assert metrics["l1_hole"] == {"mean": 1, "low": None, "high": None}
