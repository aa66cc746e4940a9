"""A report's folder, from fillers whose order of pictures is known."""

import csv
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from farfill.baseline.mean_colour import MeanColour
from farfill.baseline.telea import Telea
from farfill.evaluation.manifest import build, read
from farfill.evaluation.report import report
from farfill.image.contact_sheet import PADDING, TITLE_HEIGHT, to_uint8


def worse_and_worse(batch):
    """The truth, off by more the higher the index: 0 is best, 4 worst."""
    off = 0.1 * (batch.index + 1).view(-1, 1, 1, 1)
    return batch.image + (off * -batch.image.sign()) * batch.hole


@pytest.fixture
def manifest(batches, paths):
    return build(batches, paths, seed=0, mask="box")


def originals(path, count):
    """First column of a sheet: 16 x 24 pictures, 10 times enlarged."""
    page = cv2.imread(str(path))[..., ::-1]
    tops = [TITLE_HEIGHT + PADDING + row * (160 + PADDING) for row in range(count)]
    return [page[top : top + 160 : 10, PADDING : PADDING + 240 : 10] for top in tops]


def test_a_picture_whose_name_is_no_text_loses_no_table(tmp_path, batches, manifest):
    entries = [replace(manifest.entries[0], name="\udcff.png"), *manifest.entries[1:]]
    named = replace(manifest, entries=entries)
    report(tmp_path / "out", {"ours": worse_and_worse}, batches, named)
    assert "\\udcff.png" in (tmp_path / "out" / "per_image.csv").read_text(encoding="utf-8")
    assert read(tmp_path / "out" / "manifest.json") == named


def test_report_writes_every_file_and_returns_the_table(tmp_path, batches, manifest):
    fillers = {"ours": worse_and_worse, "Telea": Telea(3.0), "mean colour": MeanColour()}

    text = report(tmp_path / "out", fillers, batches, manifest, k=2)

    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "best.png",
        "manifest.json",
        "per_image.csv",
        "result.json",
        "table.csv",
        "table.md",
        "worst.png",
    ]
    assert (tmp_path / "out" / "table.md").read_text(encoding="utf-8") == text
    assert read(tmp_path / "out" / "manifest.json") == manifest
    metrics = json.loads((tmp_path / "out" / "result.json").read_text())["fillers"]
    rows = list(csv.DictReader((tmp_path / "out" / "per_image.csv").read_text().splitlines()))
    for filler in fillers:
        own = [float(row["psnr_hole"]) for row in rows if row["filler"] == filler]
        assert metrics[filler]["metrics"]["psnr_hole"]["mean"] == pytest.approx(np.mean(own))


@pytest.mark.parametrize("by", ["psnr_hole", "l1_hole"])
def test_sheets_show_best_and_worst_first(by, tmp_path, batches, manifest):
    report(tmp_path, {"ours": worse_and_worse}, batches, manifest, k=2, by=by)
    pictures = [to_uint8(image) for image in torch.cat([batch.image for batch in batches])]
    for name, expected in (("best.png", (0, 1)), ("worst.png", (4, 3))):
        shown = originals(tmp_path / name, 2)
        for picture, index in zip(shown, expected, strict=True):
            np.testing.assert_array_equal(picture, pictures[index])


def test_a_metric_without_direction_cannot_rank(tmp_path, batches, manifest):
    with pytest.raises(ValueError, match=r"by: expected one of l1_hole, .* got tv_isotropic_full"):
        report(tmp_path, {"ours": MeanColour()}, batches, manifest, by="tv_isotropic_full")
    assert not list(tmp_path.iterdir())
