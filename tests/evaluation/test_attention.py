"""Attention's measures of single pictures, in a run's report and in its verdicts."""

import csv
import math

import pytest
import torch
from torch import nn

from farfill.ablation.verdict import values
from farfill.data.known_source import KnownSource
from farfill.datamodule.inpainting import InpaintingData
from farfill.evaluation.attention import score_attention
from farfill.mask.centre import Centre
from farfill.metric.attention import COMPARED
from farfill.op.spatial import resize_nearest
from farfill.rundir.record import OURS, read_record
from farfill.types import AttentionResult
from helpers.runs import tiny_train
from helpers.tiny import DATA

TELEA = "telea (classical baseline)"


class ByBrightness(nn.Module):
    """Looks one period aside, above where a picture is dark and below where it is bright."""

    def forward(self, foreground, background, hole):
        up = torch.where(foreground.mean((1, 2, 3)) < 0, -1, 1)
        offsets = torch.stack([up * 8, torch.zeros_like(up)], dim=1)
        return AttentionResult(foreground, offsets[..., None, None].expand(-1, 2, 16, 16))


class Generator(nn.Module):
    def __init__(self, attention):
        super().__init__()
        self.refinement = nn.Conv2d(3, 3, 1)  # weights, for where a network is
        self.refinement.attention = attention

    def forward(self, masked, hole):
        features = resize_nearest(masked, 16, 16)
        if self.refinement.attention is not None:
            self.refinement.attention(features, features, resize_nearest(hole, 16, 16))


@pytest.fixture(scope="module")
def data():
    source = KnownSource(["periodic"], 1, 6, 64, [32, 32], 8, 1)
    sizes = {"image_size": 64, "batch_size": 2, "val_batch_size": 4}
    data = InpaintingData(source=source, holes=Centre(32, 32), **DATA | sizes)
    data.setup()
    return data


def scored(data, attention, pictures=100, paths=None):
    known = data.source, paths or data.val_set.paths
    return score_attention(Generator(attention), data.val_dataloader(), *known, pictures, 5.7)


def test_every_picture_has_its_measures(data):
    scores = scored(data, ByBrightness())
    assert [*scores] == [*range(6)]
    for row in scores.values():
        assert row["attention_distance"] == 0.5
        assert row["attention_moved"] == row["attention_hit_reachable"] == 1
        assert row["attention_hit_rate"] == pytest.approx(0.5, abs=0.07)  # the rest is hole


def test_maps_are_compared_in_pairs_that_share_no_picture(data):
    """The first half with the second, which has none."""
    scores = scored(data, ByBrightness())
    up = [batch.masked.mean((1, 2, 3)) < 0 for batch in data.val_dataloader()]
    up = torch.cat(up).tolist()
    for n in range(3):
        alike = 1.0 if up[n] == up[n + 3] else -1.0
        assert scores[n]["attention_similarity"] == pytest.approx(alike)
        assert scores[n]["attention_variation"] == (0 if alike == 1 else 1)
        assert math.isnan(scores[n + 3]["attention_similarity"])


def test_a_picture_that_comes_twice_is_not_compared_with_itself(data):
    paths = [*data.val_set.paths[:3]] * 2
    scores = scored(data, ByBrightness(), paths=paths)
    compared = [n for n, row in scores.items() if not math.isnan(row["attention_variation"])]
    assert compared == [0]  # with the second of the three


def test_so_many_pictures_are_measured_and_nothing_without_an_attention(data):
    assert [*scored(data, ByBrightness(), 5)] == [0, 1, 2, 3, 4]
    assert scored(data, ByBrightness(), 0) == scored(data, None) == {}


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    known = ("data=known_source", "data.period=[12,16]", "data.grain=4", "data.val=4")
    tiny_train(folder, *known, "callbacks.attention_diagnostics.pictures=3")
    return folder


def test_a_runs_report_has_them_for_its_own_pictures_alone(run):
    with (run / "report" / "per_image.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    names = [name for name in rows[0] if name.startswith("attention_")]
    assert {f"attention_{name}" for name in (*COMPARED, "hit_rate", "distance")} < {*names}
    for row in rows:
        filled = [bool(row[name]) for name in names]
        assert all(filled) if row["filler"] == OURS else not any(filled)
        if row["filler"] == OURS:
            assert math.isnan(float(row["attention_distance"])) == (row["index"] == "3")


def test_a_verdict_takes_them_like_any_measure_of_pictures(run):
    record = read_record(run, {}, 1, {})
    assert values(record, "attention_distance").shape == (4,)
    assert "attention_distance" not in record.scores[TELEA]
    assert not {"index", "hole_share"} & {*record.scores[OURS]}  # what was given, not achieved
