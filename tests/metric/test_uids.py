"""A linear classifier's errors, where it is known how many it makes."""

import pytest
import torch
from scipy.stats import norm

from farfill.metric.uids import UIDS


class Named:
    name = "some"


UIDS_OF = UIDS(Named())


def score(completed, true, clusters=()):
    return UIDS_OF.values(torch.stack([completed, true], dim=1), clusters)


def test_the_truth_cannot_be_told_from_itself():
    true = torch.randn(40, 30)
    assert score(true, true).tolist() == [0.5] * 40


def test_separate_sets_are_told_apart_always():
    true = torch.randn(40, 3)
    assert score(true + 20, true).tolist() == [0] * 40


@pytest.mark.parametrize("gap", [0.5, 2])
def test_shifted_gaussians_have_the_error_of_the_best_line(gap):
    """Half the shift away from both means: Phi(-gap / 2)."""
    true, completed = torch.randn(2, 3000, 4)
    completed[:, 0] += gap
    assert score(completed, true).mean().item() == pytest.approx(norm.cdf(-gap / 2), abs=0.015)


def test_few_pictures_are_not_separated_by_heart():
    """Noise of more features than pictures: the paper's error on what was learned would be 0."""
    from sklearn.svm import LinearSVC

    true, completed = torch.randn(2, 60, 200)
    inputs, labels = torch.cat([true, completed]).numpy(), [1] * 60 + [0] * 60
    assert LinearSVC(dual=False).fit(inputs, labels).score(inputs, labels) == 1
    assert score(completed, true).mean().item() == pytest.approx(0.5, abs=0.12)


def test_a_picture_is_judged_by_a_machine_that_has_not_seen_it():
    """Otherwise each true picture's twin would give it away."""
    true = torch.randn(60, 200)
    assert score(true + 1e-3 * torch.randn(60, 200), true).mean() > 0.3


def test_a_picture_with_several_holes_is_not_learned_by_heart():
    """Its true features come once with every hole: the machine would know them again."""
    true, completed = torch.randn(40, 200).repeat_interleave(3, dim=0), torch.randn(120, 200)
    pictures = [number // 3 for number in range(120)]
    told = [score(completed, true, clusters).mean().item() for clusters in ((), pictures)]
    assert told[0] < 0.3
    assert told[1] == pytest.approx(0.5, abs=0.1)


def test_one_picture_has_no_classifier():
    assert score(torch.zeros(2, 4), torch.zeros(2, 4), ["same", "same"]).isnan().all()
    assert score(torch.zeros(1, 4), torch.zeros(1, 4)).isnan().all()
