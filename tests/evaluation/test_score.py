"""Scores belong to their pictures."""

import numpy as np
import pytest
import torch

from farfill.baseline.mean_colour import MeanColour
from farfill.evaluation import score as module
from farfill.evaluation.score import score
from farfill.metric.suite import NAMES, per_image


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


def test_nothing_to_score_is_an_error():
    with pytest.raises(ValueError, match="at least one picture"):
        score(MeanColour(), [], "cpu")
