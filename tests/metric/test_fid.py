"""The Fréchet distance against SciPy, torchmetrics and what has a closed form."""

import numpy as np
import pytest
import torch
from scipy.linalg import sqrtm
from torch.nn.functional import avg_pool2d

from farfill.metric.distance import shares
from farfill.metric.fid import FID, frechet
from farfill.types import Batch


class Named:
    name = "some"


FID_OF = FID(Named())


@pytest.fixture(params=[(80, 12), (9, 20)], ids=["more pictures", "more features"])
def features(request):
    """``(n, 2, D)``, correlated, and the completed ones somewhere else."""
    n, size = request.param
    true = torch.randn(n, size) @ torch.randn(size, size)
    return torch.stack([0.7 * true + torch.randn(n, size) + 0.3, true], dim=1)


def test_it_is_the_formula_with_scipys_root(features):
    ours, true = features.double().numpy().transpose(1, 0, 2)
    covariances = [np.cov(x, rowvar=False) for x in (ours, true)]
    root = np.trace(sqrtm(covariances[0] @ covariances[1]).real)
    gap = ((ours.mean(0) - true.mean(0)) ** 2).sum()
    expected = gap + np.trace(covariances[0] + covariances[1]) - 2 * root
    assert FID_OF.values(features).mean().item() == pytest.approx(expected, rel=1e-3)


def test_scaled_and_shifted_features_have_a_closed_form():
    """Of ``3 x + 0.5`` the covariance is nine times that of ``x``: gap^2 + (3 - 1)^2 trace."""
    true = torch.randn(60, 5, dtype=torch.float64)
    ours = 3 * true + 0.5
    gap = (ours.mean(0) - true.mean(0)).square().sum()
    expected = gap + 4 * true.var(0).sum()
    torch.testing.assert_close(frechet(ours, true), expected)
    got = FID_OF.values(torch.stack([ours, true], dim=1)).mean()
    torch.testing.assert_close(got.double(), expected, rtol=1e-5, atol=0)


def test_shares_are_those_of_the_weighted_formula(features):
    """By automatic differentiation of the distance, with the covariances' factor n / (n - 1)."""
    n = len(features)

    def distance(weights):
        mean = torch.einsum("n,nsd->sd", weights, features)
        centred = (features - mean) * (weights * n / (n - 1)).sqrt()[:, None, None]
        ours, true = centred.unbind(1)
        root = torch.linalg.svdvals(ours @ true.T).sum()
        return (mean[0] - mean[1]).square().sum() + centred.square().sum() - 2 * root

    expected = shares(distance, n)
    torch.testing.assert_close(FID_OF.values(features), expected, rtol=1e-3, atol=1e-2)
    assert expected.std() > 1


def test_the_interval_is_as_wide_as_other_pictures_make_it():
    """Twenty sets of pictures scatter as one set's shares say."""
    rng = torch.Generator().manual_seed(0)
    means, errors = [], []
    for _ in range(20):
        true = torch.randn(200, 10, generator=rng)
        ours = 0.5 * true + 0.2 * torch.randn(200, 10, generator=rng) + 0.4
        values = FID_OF.values(torch.stack([ours, true], dim=1))
        means.append(values.mean())
        errors.append(values.std() / 200**0.5)
    assert 0.7 < torch.stack(means).std() / torch.stack(errors).mean() < 1.4


def test_the_truth_is_at_0_and_noise_grows_away_from_it():
    true = torch.randn(100, 8)
    same = FID_OF.values(torch.stack([true, true], dim=1))
    torch.testing.assert_close(same, torch.zeros(100), rtol=0, atol=1e-4)
    noise = torch.randn(100, 8)
    near, far = (
        FID_OF.values(torch.stack([true + sigma * noise, true], dim=1)).mean() for sigma in (0.3, 1)
    )
    assert 0.01 < near < far


def test_one_picture_has_no_covariance():
    assert FID_OF.values(torch.zeros(1, 2, 4)).isnan().all()


def test_real_features_see_blur_and_noise_grow():
    from farfill.backbone.efficientnet_lite0 import EfficientNetLite0

    pytest.importorskip("efficientnet_lite_pytorch", reason="the extra `perceptual` is missing")
    fid = FID(EfficientNetLite0(["block4"]))
    assert fid.name == "fid_efficientnet_lite0"
    image = torch.rand(16, 3, 32, 32).repeat_interleave(2, -1).repeat_interleave(2, -2) * 2 - 1
    everything = torch.ones_like(image[:, :1])
    batch = Batch(image, everything, everything, torch.zeros(16, 4), torch.arange(16))

    def distance(completed):
        return fid.values(fid.describe(completed, batch)).mean().item()

    noise = torch.randn_like(image)
    assert distance(image) == pytest.approx(0, abs=1e-3)
    assert 0.1 < distance(avg_pool2d(image, 3, 1, 1)) < distance(avg_pool2d(image, 9, 1, 4))
    assert 0.1 < distance(image + 0.1 * noise) < distance(image + 0.5 * noise)
