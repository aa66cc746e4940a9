"""Every metric beside a twin in NumPy, scikit-image or torchmetrics."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve1d
from skimage.metrics import peak_signal_noise_ratio, structural_similarity
from torchmetrics.functional import mean_squared_error
from torchmetrics.functional.image import total_variation

from farfill.metric import suite


@pytest.fixture
def pictures():
    """Three non-square pictures, completed and true, each with a hole of its own."""
    rng = np.random.default_rng(0)
    image = rng.random((3, 3, 24, 17))
    completed = np.clip(image + 0.3 * rng.standard_normal(image.shape), 0, 1)
    hole = np.zeros((3, 1, 24, 17))
    hole[0, :, 4:14, 3:12] = 1
    hole[1, :, :7, 9:] = 1
    hole[2] = rng.random((1, 24, 17)) < 0.4
    return completed, image, hole


def tensors(*arrays):
    return [torch.from_numpy(array).float() for array in arrays]


def twin(name, completed, image, hole):
    """One picture's value, pixel by pixel selection instead of weights."""
    inside = np.broadcast_to(hole.astype(bool), image.shape)
    error, truth = (completed - image)[inside], image[inside]
    dx, dy = np.zeros_like(image), np.zeros_like(image)
    dx[:, :, :-1] = completed[:, :, 1:] - completed[:, :, :-1]
    dy[:, :-1] = completed[:, 1:] - completed[:, :-1]
    return {
        "l1": np.mean(np.abs(error)),
        "l2": np.mean(error**2),
        "relative_l1": np.abs(error).sum() / np.abs(truth).sum(),
        "relative_l2": (error**2).sum() / (truth**2).sum(),
        "psnr": 10 * np.log10(1 / np.mean(error**2)),
        "tv_anisotropic": np.mean((np.abs(dx) + np.abs(dy))[inside]),
        "tv_isotropic": np.mean(np.sqrt(dx**2 + dy**2)[inside]),
        "ssim": np.mean(ssim_map(completed, image)[inside]),
    }[name]


def ssim_map(completed, image):
    """SSIM of one picture in float64 with separable windows."""
    window = np.exp(-0.5 * (np.arange(-5, 6) / 1.5) ** 2)
    window /= window.sum()

    def blur(x):
        return convolve1d(convolve1d(x, window, 1, mode="mirror"), window, 2, mode="mirror")

    mean_c, mean_t = blur(completed), blur(image)
    var_c, var_t = blur(completed**2) - mean_c**2, blur(image**2) - mean_t**2
    covariance = blur(completed * image) - mean_c * mean_t
    top = (2 * mean_c * mean_t + 0.01**2) * (2 * covariance + 0.03**2)
    return top / ((mean_c**2 + mean_t**2 + 0.01**2) * (var_c + var_t + 0.03**2))


@pytest.mark.parametrize("name", suite.METRICS)
@pytest.mark.parametrize("region", ["hole", "full"])
def test_metric_equals_numpy_twin_for_every_picture(name, region, pictures):
    completed, image, hole = pictures
    region = hole if region == "hole" else np.ones_like(hole)

    values = suite.METRICS[name](*tensors(completed, image, region))

    expected = [twin(name, *one) for one in zip(completed, image, region, strict=True)]
    np.testing.assert_allclose(values.numpy(), expected, rtol=2e-5)


def test_whole_pictures_agree_with_libraries(pictures):
    completed, image, hole = pictures
    c, t, full = tensors(completed, image, np.ones_like(hole))
    tv = total_variation(c, reduction=None) / c[0].numel()
    torch.testing.assert_close(suite.tv_anisotropic(c, t, full), tv)
    for one in range(3):
        l2 = mean_squared_error(c[one], t[one])
        torch.testing.assert_close(suite.l2(c, t, full)[one], l2)
        psnr = peak_signal_noise_ratio(image[one], completed[one], data_range=1.0)
        assert suite.psnr(c, t, full)[one].item() == pytest.approx(psnr, rel=1e-5)


def test_ssim_equals_scikit_image_away_from_the_border(pictures):
    """Scikit-image mirrors otherwise at the border, so it is compared where no window sees it."""
    completed, image, hole = pictures
    inner = np.zeros_like(hole)
    inner[:, :, 5:-5, 5:-5] = 1

    values = suite.ssim(*tensors(completed, image, inner))

    for one in range(3):
        expected = structural_similarity(
            image[one],
            completed[one],
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        assert values[one].item() == pytest.approx(expected, abs=1e-5)


def test_tv_of_a_hole_counts_its_right_and_lower_border_only():
    completed = torch.zeros(1, 1, 6, 6)
    completed[..., 2:4, 2:4] = 1
    hole = completed.clone()

    value = suite.tv_anisotropic(completed, completed, hole)

    assert value.item() == pytest.approx(4 / 4)  # 2 steps to the right, 2 down, 4 pixels
    assert suite.tv_isotropic(completed, completed, hole).item() == pytest.approx((2 + 2**0.5) / 4)


def test_perfect_completion_has_finite_best_values(pictures):
    _, image, hole = tensors(*pictures)
    assert suite.psnr(image, image, hole).tolist() == pytest.approx([100] * 3)
    torch.testing.assert_close(suite.ssim(image, image, hole), torch.ones(3))
    assert suite.l1(image, image, hole).tolist() == [0] * 3


def test_black_truth_stays_finite():
    black, level = torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 2 / 255)
    full = torch.ones(1, 1, 8, 8)
    assert suite.relative_l1(level, black, full).item() == pytest.approx(2)
    assert suite.relative_l2(level, black, full).item() == pytest.approx(4)


def test_one_hole_may_serve_the_batch(pictures):
    completed, image, hole = tensors(*pictures)
    shared = suite.l1(completed, image, hole[:1])
    torch.testing.assert_close(shared, suite.l1(completed, image, hole[:1].repeat(3, 1, 1, 1)))


def test_ssim_does_not_suffer_from_autocast(pictures):
    completed, image, hole = tensors(*pictures)
    expected = suite.ssim(completed, image, hole)
    with torch.autocast("cpu", torch.bfloat16):
        torch.testing.assert_close(suite.ssim(completed, image, hole), expected)


def test_ssim_takes_six_pixels_and_refuses_five():
    six, five = torch.rand(1, 3, 6, 9), torch.rand(1, 3, 9, 5)
    assert suite.ssim(six, six, six[:, :1]).item() == pytest.approx(1)
    with pytest.raises(ValueError, match="at least 6 x 6 pixels, got 9 x 5"):
        suite.ssim(five, five, five[:, :1])
