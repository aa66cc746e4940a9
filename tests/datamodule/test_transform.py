import numpy as np
import pytest

from farfill.datamodule.dataset import augmentation, scale

# Every pixel knows its place: red its row, green its column.
PLACES = np.stack([*np.mgrid[:40, :50], np.zeros((40, 50))], axis=-1).astype(np.uint8)


def crop(transform, seed):
    transform.set_random_seed(seed)
    pixels = (transform(image=PLACES)["image"] + 1) * 127.5
    return np.rint(pixels).astype(int)


@pytest.mark.parametrize(
    ("shape", "shorter", "expected"),
    [((40, 50), None, (40, 50)), ((40, 60), 20, (20, 30)), ((60, 40), 80, (120, 80))],
)
def test_the_shorter_side_is_scaled_either_way(shape, shorter, expected):
    assert scale(np.zeros((*shape, 3), np.uint8), shorter).shape == (*expected, 3)


@pytest.mark.parametrize(("side", "expected"), [(30, 30), (20, 20), (10, 20)])
def test_without_shrinking_only_small_pictures_are_scaled(side, expected):
    assert scale(np.zeros((side, side, 3), np.uint8), 20, shrink=False).shape[0] == expected


def test_scaling_down_takes_the_mean_over_areas():
    picture = np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    means = picture.reshape(10, 4, 10, 4, 3).mean(axis=(1, 3))
    assert np.abs(scale(picture, 10) - means).max() <= 0.51


def test_levels_become_minus_one_to_one():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    out = augmentation(16, random=False, flip=False)(image=levels)["image"]
    assert out.dtype == np.float32
    assert (out.min(), out.max()) == (-1, 1)
    np.testing.assert_allclose(out, levels / 127.5 - 1, atol=2e-7)


def test_random_crops_reach_every_place_and_mirror_half_of_the_time():
    transform = augmentation(16, random=True, flip=True)
    crops = [crop(transform, seed) for seed in range(400)]
    assert {int(c[..., 0].min()) for c in crops} == set(range(25))
    assert {int(c[..., 1].min()) for c in crops} == set(range(35))
    mirrored = [c[0, 0, 1] > c[0, -1, 1] for c in crops]
    assert 0.4 < np.mean(mirrored) < 0.6
    for c in crops:  # contiguous pieces of the picture
        assert (np.diff(c[..., 0], axis=0) == 1).all()
        assert (np.abs(np.diff(c[..., 1], axis=1)) == 1).all()


def test_without_flip_nothing_is_mirrored():
    transform = augmentation(16, random=True, flip=False)
    assert all((np.diff(crop(transform, seed)[..., 1], axis=1) == 1).all() for seed in range(20))


def test_the_centre_crop_is_fixed_and_never_mirrored():
    transform = augmentation(16, random=False, flip=True)
    for seed in range(10):
        np.testing.assert_array_equal(crop(transform, seed), PLACES[12:28, 17:33])
