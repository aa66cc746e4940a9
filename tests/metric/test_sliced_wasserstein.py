"""The patches' distance against SciPy, and against what an eye says."""

import numpy as np
import pytest
import torch
from scipy.ndimage import convolve
from scipy.stats import wasserstein_distance
from torch.nn.functional import avg_pool2d

from farfill.metric.distance import shares
from farfill.metric.sliced_wasserstein import SlicedWasserstein, laplacian_pyramid, wasserstein
from farfill.types import Batch
from helpers.holes import box_holes


@pytest.fixture
def batch():
    """Textures of a grain of two pixels, a box of 32 missing in each."""
    generator = torch.Generator().manual_seed(0)
    image = torch.rand(12, 3, 32, 32, generator=generator).repeat_interleave(2, -1)
    image = image.repeat_interleave(2, -2) * 2 - 1
    boxes = [(8 + i % 8, 16, 32, 32) for i in range(12)]
    hole = box_holes(64, 64, *boxes)
    return Batch(image, hole, hole, torch.tensor(boxes), torch.arange(12))


def distance(completed, batch):
    swd = SlicedWasserstein(directions=128)
    completed = batch.image * (1 - batch.hole) + completed * batch.hole
    return swd.values(swd.describe(completed, batch)).mean().item()


def blurred(image, side=5):
    return avg_pool2d(image, side, stride=1, padding=side // 2, count_include_pad=False)


def noisy(image, sigma):
    return image + sigma * torch.randn(image.shape, generator=torch.Generator().manual_seed(1))


def test_slices_are_scipys_wasserstein_distance():
    rng = np.random.default_rng(0)
    ours, true = rng.normal(size=(2, 30, 4))
    weights = rng.dirichlet(np.ones(30), size=2)
    got = wasserstein(
        torch.from_numpy(np.concatenate([ours, true]).T.copy()),
        torch.from_numpy(np.concatenate([weights[0], -weights[1]])),
    )
    expected = [wasserstein_distance(ours[:, i], true[:, i], *weights) for i in range(4)]
    np.testing.assert_allclose(got.numpy(), expected, rtol=1e-12)


def test_a_shift_of_all_points_is_the_distance():
    points = torch.randn(1, 50, dtype=torch.float64)
    weights = torch.full((50,), 1 / 50, dtype=torch.float64)
    got = wasserstein(torch.cat([points, points + 0.3], dim=1), torch.cat([weights, -weights]))
    torch.testing.assert_close(got.item(), 0.3)


@pytest.mark.parametrize("size", [(64, 64), (70, 46)])
def test_the_pyramid_is_burts_as_scipy_computes_it(size):
    picture = torch.randn(1, 1, *size, dtype=torch.float64)
    line = np.array([1, 4, 6, 4, 1]) / 16
    kernel = np.outer(line, line)
    levels = laplacian_pyramid(picture)
    rest = picture[0, 0].numpy()
    assert [min(level.shape[-2:]) for level in levels] == (
        [64, 32, 16] if size[1] == 64 else [46, 23]
    )
    for level in levels[:-1]:
        down = convolve(rest, kernel, mode="mirror")[::2, ::2]
        up = np.zeros_like(rest)
        up[::2, ::2] = down
        np.testing.assert_allclose(level[0, 0], rest - convolve(up, 4 * kernel, mode="mirror"))
        rest = down
    np.testing.assert_allclose(levels[-1][0, 0], rest)


def test_the_whole_distance_is_that_of_the_authors_steps(batch):
    """Normalised by set and channel, projected, sorted, compared: in NumPy, level by level."""
    swd = SlicedWasserstein(patches=16, directions=70)
    patches = swd.describe(blurred(batch.image), batch)
    directions = torch.randn(147, 70, generator=torch.Generator().manual_seed(0)).numpy()
    directions /= np.linalg.norm(directions, axis=0)
    levels = []
    for level in patches.unbind(1):
        sets = []
        for one in level.unbind(1):
            flat = one.transpose(1, 2).reshape(-1, 3, 49).numpy()  # (descriptors, channels, 49)
            flat = flat - flat.mean((0, 2), keepdims=True)
            flat = flat / flat.std((0, 2), keepdims=True)
            sets.append(np.sort(flat.reshape(-1, 147) @ directions, axis=0))
        levels.append(np.abs(sets[0] - sets[1]).mean())
    assert swd.values(patches).mean().item() == pytest.approx(np.mean(levels), rel=1e-4)


def test_truth_is_at_0_and_blur_and_noise_grow_away_from_it(batch):
    assert distance(batch.image, batch) == pytest.approx(0, abs=1e-5)
    blur = [distance(blurred(batch.image, side), batch) for side in (3, 5, 9)]
    noise = [distance(noisy(batch.image, sigma), batch) for sigma in (0.1, 0.3, 1.0)]
    assert 0.01 < blur[0] < blur[1] < blur[2]
    assert 0.001 < noise[0] < noise[1] < noise[2]


def test_a_blurred_completion_wins_in_l1_and_loses_to_another_texture_of_the_same_kind(batch):
    """Copies of another picture's hole are wrong pixel by pixel, and right as a texture."""
    blur, other = blurred(batch.image, 9), batch.image.roll(1, 0)
    assert (blur - batch.image).abs().mean() < 0.8 * (other - batch.image).abs().mean()
    assert distance(blur, batch) > 3 * distance(other, batch)


def test_every_patch_touches_the_hole():
    """In pictures of a single level, where patches are cut from the picture itself."""
    hole = box_holes(28, 28, (2, 10, 3, 4), (20, 0, 1, 1))
    image = torch.rand(2, 3, 28, 28)
    small = Batch(image, hole, hole, torch.zeros(2, 4), torch.arange(2))
    ours, true = SlicedWasserstein(patches=200).describe(image + hole, small)[:, 0].unbind(1)
    torch.testing.assert_close((ours - true).amax((1, 3)), torch.ones(2, 200))
    anywhere = small._replace(hole=torch.zeros_like(hole))
    free = SlicedWasserstein(patches=200).describe(image + hole, anywhere)[:, 0]
    assert (free[:, 0] == free[:, 1]).all((1, 3)).any()


def test_patches_of_a_picture_are_the_same_in_any_batch(batch):
    swd = SlicedWasserstein(patches=8, directions=8)
    completed = blurred(batch.image)
    whole = swd.describe(completed, batch)
    parts = Batch(*(part[[7]] for part in batch))
    torch.testing.assert_close(swd.describe(completed[[7]], parts)[0], whole[7])


def test_a_picture_without_a_hole_adds_nothing(batch):
    whole = batch._replace(hole=torch.zeros_like(batch.hole))
    assert distance(blurred(batch.image), whole) == pytest.approx(0, abs=1e-5)


def test_flat_completions_and_small_pictures(batch):
    assert np.isfinite(distance(torch.zeros_like(batch.image), batch))
    small = Batch(*(x[..., :6] if x.ndim == 4 else x for x in batch))
    with pytest.raises(ValueError, match="at least 7 x 7 pixels, got 64 x 6"):
        SlicedWasserstein().describe(small.image, small)
    with pytest.raises(ValueError, match="from 1, got 0 and 512"):
        SlicedWasserstein(patches=0)


def test_shares_are_a_means_own_values():
    values = torch.tensor([1.0, 2.0, 6.0])
    torch.testing.assert_close(shares(lambda w: w @ values, 3), values)


def test_shares_spread_as_the_jackknife_does(batch):
    """Each picture's share is what the distance loses without it, to first order."""
    swd = SlicedWasserstein(patches=64, directions=32)
    patches = swd.describe(blurred(batch.image), batch)
    n = len(patches)
    value = swd.values(patches).mean()
    without = torch.stack(
        [swd.values(torch.cat([patches[:i], patches[i + 1 :]])).mean() for i in range(n)]
    )
    jackknife = n * value - (n - 1) * without
    spread = swd.values(patches).std() / jackknife.std()
    assert 0.7 < spread < 1.4
