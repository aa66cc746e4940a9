"""A report's folder, from fillers whose order of pictures is known."""

import csv
import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from farfill.baseline.mean_colour import MeanColour
from farfill.baseline.telea import Telea
from farfill.evaluation.manifest import read
from farfill.evaluation.pictures import attention_maps, read_pictures
from farfill.evaluation.results import write_results
from farfill.image.contact_sheet import PADDING, TITLE_HEIGHT, to_uint8
from farfill.image.read import read_rgb
from farfill.types import Completion


def worse_and_worse(batch):
    """The truth, off by more the higher the index: 0 is best, 4 worst."""
    off = 0.1 * (batch.index + 1).view(-1, 1, 1, 1)
    return batch.image + (off * -batch.image.sign()) * batch.hole


def originals(path, count):
    """First column of a sheet: 16 x 24 pictures, 10 times enlarged."""
    page = read_rgb(path)
    tops = [TITLE_HEIGHT + PADDING + row * (160 + PADDING) for row in range(count)]
    return [page[top : top + 160 : 10, PADDING : PADDING + 240 : 10] for top in tops]


def test_a_picture_whose_name_is_no_text_loses_no_table(tmp_path, batches, manifest):
    entries = [replace(manifest.entries[0], name="\udcff.png"), *manifest.entries[1:]]
    named = replace(manifest, entries=entries)
    write_results(tmp_path / "out", {"ours": worse_and_worse}, batches, named)
    assert "\\udcff.png" in (tmp_path / "out" / "per_image.csv").read_text(encoding="utf-8")
    assert read(tmp_path / "out" / "manifest.json") == named


def test_report_writes_every_file_and_returns_the_table(tmp_path, batches, manifest):
    inpainters = {"ours": worse_and_worse, "Telea": Telea(3.0), "mean colour": MeanColour()}

    text = write_results(tmp_path / "out", inpainters, batches, manifest, k=2)

    tables = {"table.md", "table.csv", "per_image.csv", "result.json", "manifest.json"}
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == tables | {"best.png", "worst.png", "random.png", "pictures"}
    assert (tmp_path / "out" / "table.md").read_text(encoding="utf-8") == text
    assert read(tmp_path / "out" / "manifest.json") == manifest
    metrics = json.loads((tmp_path / "out" / "result.json").read_text())["fillers"]
    rows = list(csv.DictReader((tmp_path / "out" / "per_image.csv").read_text().splitlines()))
    for inpainter in inpainters:
        own = [float(row["psnr_hole"]) for row in rows if row["filler"] == inpainter]
        assert metrics[inpainter]["metrics"]["psnr_hole"]["mean"] == pytest.approx(np.mean(own))


def test_what_others_achieved_before_is_not_done_again(tmp_path, batches, manifest):
    calls = Counter()

    def telea(batch):
        calls[folder] += 1
        return Telea(3.0)(batch)

    scored, runs = {}, {"first": worse_and_worse, "second": MeanColour(), "alone": MeanColour()}
    for folder, ours in runs.items():
        known = {} if folder == "alone" else scored
        write_results(
            tmp_path / folder, {"ours": ours, "Telea": telea}, batches, manifest, k=5, scored=known
        )

    assert calls["second"] == calls["first"] - len(batches) == calls["alone"] - len(batches)
    tables = [(tmp_path / folder / "per_image.csv").read_text() for folder in runs]
    assert tables[0] != tables[1] == tables[2]


@pytest.mark.parametrize("by", ["psnr_hole", "l1_hole"])
def test_sheets_show_best_and_worst_first(by, tmp_path, batches, manifest):
    write_results(tmp_path, {"ours": worse_and_worse}, batches, manifest, k=2, by=by)
    pictures = [to_uint8(image) for image in torch.cat([batch.image for batch in batches])]
    lot = [*np.random.default_rng(0).permutation(5)[:2]]
    for name, expected in (("best.png", (0, 1)), ("worst.png", (4, 3)), ("random.png", lot)):
        shown = originals(tmp_path / name, 2)
        for picture, index in zip(shown, expected, strict=True):
            np.testing.assert_array_equal(picture, pictures[index])


@pytest.mark.parametrize("by", ["psnr_hole", "l1_hole"])
def test_a_completion_that_is_not_finite_is_the_worst(by, tmp_path, batches, manifest):
    def broken(batch):
        spoilt = torch.where(batch.index == 2, torch.nan, 1)[:, None, None, None]
        return worse_and_worse(batch) * spoilt

    write_results(tmp_path, {"ours": broken}, batches, manifest, k=1, by=by)
    pictures = [to_uint8(image) for image in torch.cat([batch.image for batch in batches])]
    for name, index in (("best.png", 0), ("worst.png", 2)):
        np.testing.assert_array_equal(originals(tmp_path / name, 1)[0], pictures[index])


def test_single_pictures_are_found_by_index_and_title(tmp_path, batches, manifest):
    """The best, the worst, the first ones, which all runs have, and by lot; here 0, 4 and 2."""
    inpainters = {"ours": worse_and_worse, "a/b": lambda batch: batch.masked}
    write_results(tmp_path, inpainters, batches, manifest, k=1)
    kept = read_pictures(tmp_path)
    assert {index: [*row] for index, row in kept.items()} == {
        index: ["original", "masked", "ours", "a/b"] for index in (0, 2, 4)
    }
    np.testing.assert_array_equal(read_rgb(kept[4]["original"]), to_uint8(batches[2].image[0]))
    assert all(path.parent.parent == tmp_path / "pictures" for path in kept[4].values())
    assert read_pictures(tmp_path / "elsewhere") == {}
    (tmp_path / "pictures" / "index.json").write_text('{"4": ["a.png"]}')
    with pytest.raises(ValueError, match=r"pictures/index.json is damaged"):
        read_pictures(tmp_path)


@pytest.mark.parametrize("offsets", [None, torch.zeros(1, 2, 4, 6)])
def test_attention_is_drawn_where_there_is_any(offsets, tmp_path, batches, manifest):
    def generator(masked, hole):
        return Completion(masked, masked, offsets)

    painter = attention_maps(generator)
    write_results(tmp_path, {"ours": worse_and_worse}, batches, manifest, k=1, attention=painter)
    drawn = read_pictures(tmp_path)[4].get("borrows from")
    assert (drawn is None) == (offsets is None)
    if drawn:
        white = read_rgb(drawn)  # every place borrows from itself
        assert white.shape == (16, 24, 3)
        assert (white == 255).all()


def test_a_metric_without_direction_cannot_rank(tmp_path, batches, manifest):
    with pytest.raises(ValueError, match=r"by: expected one of l1_hole, .* got tv_isotropic_full"):
        write_results(tmp_path, {"ours": MeanColour()}, batches, manifest, by="tv_isotropic_full")
    assert not list(tmp_path.iterdir())
