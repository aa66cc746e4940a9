"""Scores belong to their pictures."""

import numpy as np
import pytest
import torch

from farfill.baseline.mean_colour import MeanColour
from farfill.evaluation import score as module
from farfill.evaluation.score import announced, score
from farfill.metric.sliced_wasserstein import SlicedWasserstein
from farfill.metric.suite import NAMES, per_image
from farfill.types import Batch


def test_every_picture_has_its_own_values_whatever_the_order(batches):
    scores = score(MeanColour(), batches[::-1], "cpu")
    assert sorted(scores.pictures) == [0, 1, 2, 3, 4]
    batch = batches[1]
    values = per_image(MeanColour()(batch), batch.image, batch.hole)
    for name in NAMES:
        assert scores.pictures[3][name] == pytest.approx(values[name][1].item())
    np.testing.assert_array_equal(scores.table, score(MeanColour(), batches, "cpu").table)
    assert scores.table[3, NAMES.index("psnr_hole")] == scores.pictures[3]["psnr_hole"]


def test_truth_scores_perfectly_and_without_gradients(batches):
    def truth(batch):
        assert not torch.is_grad_enabled()
        return batch.image

    scores = score(truth, batches, "cpu")
    assert [row["psnr_hole"] for row in scores.pictures.values()] == pytest.approx([100] * 5)
    assert [row["l1_full"] for row in scores.pictures.values()] == [0] * 5


@pytest.mark.parametrize(("count", "expected"), [(3, (2 + 3) / 3), (1, 10 / 2)])
def test_seconds_leave_out_the_warm_up_batch_unless_it_is_all(
    count, expected, batches, monkeypatch
):
    clock = iter([0, 10, 10, 12, 12, 15])  # batches of 2, 2, 1 pictures take 10, 2, 3 seconds
    monkeypatch.setattr(module, "_now", lambda _: next(clock))
    assert score(MeanColour(), batches[:count], "cpu").seconds == pytest.approx(expected)


class SetOf:
    """The mean L1 of all pictures as a distance, which remembers what it was given."""

    name = "set"

    def describe(self, completed, batch):
        return torch.stack([completed.mean((1, 2, 3)), batch.image.mean((1, 2, 3))], dim=1)

    def values(self, described, clusters=()):
        self.given, self.clusters = described, clusters
        return described[:, 0] - described[:, 1]


def test_distances_get_every_picture_by_index_and_their_own_column(batches):
    distance = SetOf()
    scores = score(MeanColour(), batches[::-1], "cpu", [distance])
    assert scores.names == [*NAMES, "set"]
    images = torch.cat([batch.image for batch in batches])
    torch.testing.assert_close(distance.given[:, 1], images.mean((1, 2, 3)))
    expected = distance.given[:, 0] - distance.given[:, 1]
    np.testing.assert_allclose(scores.table[:, -1], expected.numpy())
    clusters = dict(zip(range(5), "aabbc", strict=True))
    score(MeanColour(), batches[::-1], "cpu", [distance], clusters)
    assert [*distance.clusters] == [*"aabbc"]


def test_what_is_not_finite_has_no_distance(batches):
    def broken(batch):
        return batch.image * torch.where(batch.index == 3, torch.nan, 1)[:, None, None, None]

    scores = score(broken, batches, "cpu", [SetOf()])
    assert np.isnan(scores.table[:, -1]).all()


def test_a_sets_distance_is_that_of_its_pictures_in_any_batches(batches):
    swd = SlicedWasserstein(patches=8, directions=8)
    scores = score(MeanColour(), batches, "cpu", [swd])
    whole = Batch(*(torch.cat(parts) for parts in zip(*batches, strict=True)))
    expected = swd.values(swd.describe(MeanColour()(whole), whole))
    np.testing.assert_allclose(scores.table[:, -1], expected.numpy(), rtol=1e-4)
    assert expected.mean() > 0.01


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="at least one picture"):
        score(MeanColour(), [], "cpu")


@pytest.mark.parametrize(("pictures", "said"), [(20, "about 2 min for 20 pictures"), (10, "")])
def test_who_takes_minutes_says_so_once(pictures, said, batches, monkeypatch, capsys):
    clock = iter(range(0, 1000, 12))  # a batch of two takes 12 seconds
    monkeypatch.setattr(module.time, "perf_counter", lambda: next(clock))
    inpainter = announced("patch match", MeanColour(), pictures)
    for batch in batches[:2]:
        inpainter(batch)
    err = capsys.readouterr().err
    assert err.count("patch match takes about") == bool(said)
    assert said in err
