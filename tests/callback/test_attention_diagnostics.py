"""What is measured of which pictures, and that every run logs it."""

import math
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from farfill.attention.contextual import ContextualAttention
from farfill.callback.attention_diagnostics import AttentionDiagnostics
from farfill.data.known_source import KnownSource
from farfill.datamodule.inpainting import InpaintingData
from farfill.files import read_rows
from farfill.mask.box import Box
from farfill.mask.centre import Centre
from farfill.metric.attention import COMPARED
from farfill.op.spatial import resize_nearest
from farfill.types import AttentionResult
from helpers.runs import tiny_train
from helpers.tiny import DATA

HITS = {"hit_rate", "hit_chance", "hit_reachable"}
HISTOGRAM = {f"distance_{bin}" for bin in ("to_0.125", "to_0.25", "to_0.5", "to_0.75", "beyond")}
OFFSETS = HISTOGRAM | {"moved", "distance", "hole_weight", *COMPARED}
WEIGHTS = {"entropy", "relative_entropy"}


class Fixed(nn.Module):
    """Looks the same number of positions away from everywhere."""

    def __init__(self, row, column, grid=16):
        super().__init__()
        self.offset, self.grid = torch.tensor([row, column]), grid

    def forward(self, foreground, background, hole):
        shape = (len(foreground), 2, self.grid, self.grid)
        return AttentionResult(foreground, self.offset[:, None, None].expand(shape))


class Generator(nn.Module):
    """As much of one as is watched; the features are the shrunk picture."""

    def __init__(self, attention):
        super().__init__()
        self.refinement = nn.Module()
        self.refinement.attention = attention
        self.looked_at = []

    def forward(self, masked, hole):
        self.looked_at.append(len(masked))
        features = resize_nearest(masked, 16, 16)
        self.refinement.attention(features, features, resize_nearest(hole, 16, 16))


class Model(nn.Module):
    """As much of the module as the callback sees."""

    def __init__(self, attention):
        super().__init__()
        self.generator = Generator(attention)
        self.logged = {}

    def log(self, name, value, **options):
        assert options == {"on_epoch": True, "rank_zero_only": True}
        assert name not in self.logged
        self.logged[name.removeprefix("val/attention_")] = float(value)


def make_data(period=32, val=5, hole=32, holes=None):
    source = KnownSource(["periodic"], 1, val, 64, [period, period], 8, 1)
    holes = holes or Centre(hole, hole)
    sizes = {"image_size": 64, "batch_size": 3, "val_batch_size": 3}
    data = InpaintingData(source=source, holes=holes, **DATA | sizes)
    data.setup()
    return data


def validated(attention, pictures=100, data=None, sanity_checking=False):
    data = data or make_data()
    model, callback = Model(attention), AttentionDiagnostics(pictures, 5.7)
    trainer = SimpleNamespace(sanity_checking=sanity_checking, datamodule=data, is_global_zero=True)
    for _ in range(2):  # the second validation must be the first again
        model.logged, model.generator.looked_at = {}, []
        callback.on_validation_epoch_start(trainer, model)
        for number, batch in enumerate(data.val_dataloader()):
            callback.on_validation_batch_end(trainer, model, None, batch, number)
        callback.on_validation_epoch_end(trainer, model)
    return model


def validate(*arguments, **options):
    return validated(*arguments, **options).logged


@pytest.mark.parametrize("grid", [16, 8])
def test_who_looks_one_period_away_hits_and_half_a_period_away_misses(grid):
    """A hole of 32 in the middle of 64: one period of 32 to the right, half of it is known."""
    step = grid // 2
    rates = {column: validate(Fixed(0, column, grid))["hit_rate"] for column in (step, step // 2)}
    assert rates == {step: pytest.approx(0.5, abs=0.07), step // 2: 0}


def test_every_measure_of_offsets_is_logged_for_as_many_pictures_as_were_measured():
    model = validated(Fixed(8, 8))
    logged = model.logged
    assert logged.keys() == OFFSETS | HITS
    assert model.generator.looked_at == [3, 3, 2]  # the first batch again for its similarity
    assert logged["hit_reachable"] == 1
    assert logged["similarity"] == logged["same_source"] == 1
    assert logged["distance"] == pytest.approx(math.sqrt(0.5), rel=1e-6)


def test_maps_are_compared_under_one_hole_in_the_middle():
    seen = []

    class Watched(Fixed):
        def forward(self, foreground, background, hole):
            seen.append(hole)
            return super().forward(foreground, background, hole)

    validate(Watched(0, 8), data=make_data(holes=Box(24, 32, 0, 0, 0.2, 0.2)))
    first, again, second = seen[:3]  # the batch as it is, then with the one hole; the next batch
    assert (len(first), len(again), len(second)) == (3, 3, 2)
    middle = torch.zeros(64, 64)
    middle[20:44, 16:48] = 1
    assert torch.equal(again, resize_nearest(middle, 16, 16).expand(3, 1, 16, 16))
    assert not torch.equal(first[0], first[1])


def test_weights_are_measured_where_there_are_some():
    logged = validate(ContextualAttention(softmax_scale=0.0))
    assert logged.keys() == OFFSETS | HITS | WEIGHTS
    # Uniform over 64 patches: 6 x 6 of them touch the hole of 4 x 4 and are dropped.
    assert logged["entropy"] == pytest.approx(math.log(28), rel=1e-5)
    assert logged["hole_weight"] == pytest.approx(36 / 64)
    coarse = validate(ContextualAttention(stride=2, softmax_scale=0.0, patch_size=1))
    assert coarse["entropy"] == pytest.approx(math.log(12), rel=1e-5)


def test_only_so_many_pictures_are_measured():
    assert validated(Fixed(0, 8), 4).generator.looked_at == [3, 3, 1]
    one = validated(Fixed(0, 8), 1)
    assert one.generator.looked_at == [1]
    assert "similarity" not in one.logged


@pytest.mark.parametrize("attention", [None, Fixed(0, 8)])
def test_nothing_is_logged_without_an_attention_or_pictures_or_in_the_sanity_check(attention):
    assert validate(attention, 100 if attention is None else 0) == {}
    assert validate(attention, sanity_checking=True) == {}


def test_an_attention_without_offsets_logs_nothing():
    class Blind(nn.Module):
        def forward(self, foreground, background, hole):
            return AttentionResult(foreground, None)

    assert validate(Blind()) == {}


def test_the_layer_is_left_as_it_was():
    layer = Fixed(0, 8)
    validate(layer)
    handle = layer.register_forward_hook(lambda *_: None)
    assert [*handle.hooks_dict_ref()] == [handle.id]  # no other hook is left


def test_pictures_without_a_right_source_have_no_hit_rate():
    logged = validate(Fixed(0, 8), data=make_data(period=64, hole=32))
    assert logged["hit_reachable"] == 0
    assert math.isnan(logged["hit_rate"])  # no picture counts


@pytest.mark.parametrize("change", [{"pictures": -1}, {"tolerance": -0.1}])
def test_negative_numbers_are_refused(change):
    with pytest.raises(ValueError, match="not to be negative"):
        AttentionDiagnostics(**{"pictures": 1, "tolerance": 1.0} | change)


KNOWN = ["data=known_source", "data.period=[12,16]", "data.grain=4", "data.val=4"]


def metrics(folder, *overrides):
    tiny_train(folder, *overrides)
    return read_rows(folder / "metrics.csv")


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return metrics(tmp_path_factory.mktemp("run"), *KNOWN)


def measured(rows):
    names = [name for name in rows[0] if name.startswith("val/attention_")]
    return [{n: row[n] for n in ["step", *names]} for row in rows if row["val/l1_hole"]]


def test_a_run_logs_every_measure_at_its_generator_step(rows):
    found = measured(rows)
    assert [row["step"] for row in found] == ["2", "4"]
    names = {f"val/attention_{name}" for name in OFFSETS | HITS | WEIGHTS}
    for row in found:
        assert row.keys() == {"step"} | names
        values = {name.removeprefix("val/attention_"): float(row[name]) for name in names}
        assert all(math.isfinite(value) for value in values.values())
        histogram = [value for name, value in values.items() if name.startswith("distance_")]
        assert sum(histogram) == pytest.approx(1, abs=1e-5)
        assert 0 < values["hit_chance"] < 1
        assert 0 < values["hit_reachable"] <= 1


def test_workers_change_no_measure(rows, tmp_path):
    assert measured(metrics(tmp_path, *KNOWN, "datamodule.workers=2")) == measured(rows)


def test_measuring_does_not_disturb_the_training(rows, tmp_path):
    without = metrics(tmp_path, *KNOWN, "callbacks.attention_diagnostics.pictures=0")
    assert not any("attention" in name for name in without[0])
    names = [name for name in without[0] if "time" not in name]
    first, second = (
        [{name: row[name] for name in names} for row in run] for run in (rows, without)
    )
    assert first == second


def test_photographs_have_no_hit_rate(tmp_path):
    (first, _) = measured(metrics(tmp_path))
    assert first.keys() == {"step"} | {f"val/attention_{name}" for name in OFFSETS | WEIGHTS}
