from pathlib import Path

import numpy as np
import pytest
from hydra.utils import instantiate
from numpy.lib.stride_tricks import sliding_window_view

from farfill.data.known_source import APART, KnownSource
from farfill.data.protocol import SyntheticSource
from helpers.compose import composed

SIDE = 48
KINDS = ["periodic", "mirrored", "two_textures"]


def make(kinds=KINDS, train=9, val=6, resize=SIDE, period=(13, 20), grain=4, seed=1):
    return KnownSource(kinds, train, val, resize, period, grain, seed)


def apart(content):
    """Content distance of all pairs of pixels: ``(P, P)``, by plain differences."""
    shown = content.reshape(len(content), -1).T
    return np.sqrt(((shown[:, None] - shown[None]) ** 2).sum(-1))


def test_the_split_is_in_turn_and_disjoint_by_name_and_by_picture():
    source = make()
    train, val = source.split()
    assert (len(train), len(val)) == (9, 6)
    names = "periodic-000000 mirrored-000001 two_textures-000002 periodic-000003"
    assert [path.name for path in val[:4]] == names.split()
    assert len({source.read(path).tobytes() for path in [*train, *val]}) == 15
    assert make(train=99).split().val == val
    assert isinstance(source, SyntheticSource)


def test_a_picture_depends_on_seed_and_number_only():
    path = make().split().train[3]
    other = make(train=50, kinds=KINDS[:1])
    other.read(Path("periodic-000001"))
    np.testing.assert_array_equal(make().read(path), other.read(path))
    assert not np.array_equal(make().read(path), make(seed=2).read(path))


@pytest.mark.parametrize("kind", KINDS)
def test_pixels_of_the_same_content_are_equal_and_near_ones_alike(kind):
    scene = make(resize=32, period=[11, 15]).scene(Path(f"{kind}-000004"))
    assert scene.picture.shape == (32, 32, 3)
    assert scene.picture.dtype == np.uint8
    pixels = scene.picture.reshape(-1, 3).astype(float)
    distance = apart(scene.content)
    change = np.abs(pixels[:, None] - pixels[None]).max(-1)
    twins = (distance < 1e-6) & ~np.eye(len(pixels), dtype=bool)
    assert twins.any(1).mean() > 0.9, "nearly every pixel must have a twin"
    assert change[twins].max() <= 1
    far = (distance > 4) & (distance < APART / 2)
    assert change[(distance > 0.5) & (distance < 1.1)].mean() < change[far].mean() / 1.5


def test_the_periodic_content_repeats_after_the_period_and_is_far_after_half_of_it():
    source = make(period=[16, 16])
    path = Path("periodic-000000")
    content, picture = source.content(path, SIDE), source.read(path)
    for moved in (content[:, 16:] - content[:, :-16], content[:, :, 16:] - content[:, :, :-16]):
        np.testing.assert_allclose(moved, 0, atol=1e-9)
    np.testing.assert_array_equal(picture[16:], picture[:-16])
    half = np.linalg.norm(content[:, :, 8:] - content[:, :, :-8], axis=0)
    np.testing.assert_allclose(half, 16 / np.pi)  # the diameter of the circle
    step = np.linalg.norm(content[:, 1:] - content[:, :-1], axis=0)
    np.testing.assert_allclose(step, 1, rtol=0.01)


def test_the_mirrored_content_is_the_row_and_the_distance_to_a_side():
    source = make()
    path = Path("mirrored-000001")
    content, picture = source.content(path, SIDE), source.read(path)
    assert content[:, 5, 7].tolist() == content[:, 5, SIDE - 1 - 7].tolist() == [5, 7]
    np.testing.assert_array_equal(picture, picture[:, ::-1])
    assert not np.array_equal(picture, picture[::-1])


def test_two_textures_never_share_content_and_the_seam_is_near_the_middle():
    content = make().content(Path("two_textures-000002"), SIDE)
    sides = content[-1, 0]
    assert set(np.unique(content[-1])) == {0, APART}
    assert np.all(np.diff(sides) >= 0)
    assert 3 / 8 * SIDE <= (sides == 0).sum() <= 5 / 8 * SIDE
    flat = apart(content[:, :, ::4])
    left = (content[-1, :, ::4] == 0).flatten()
    assert flat[left][:, ~left].min() >= APART
    assert flat[left][:, left].max() < APART / 10


def test_pictures_differ_in_their_periods():
    source = make(kinds=["periodic"])
    periods = set()
    for path in source.split().val:
        content = source.content(path, SIDE)
        periods |= {p for p in range(13, 21) if np.allclose(content[:, p:], content[:, :-p])}
    assert len(periods) >= 3


def test_the_content_of_a_crop_is_the_middle_of_the_whole():
    source, path = make(), Path("periodic-000000")
    whole = source.content(path, SIDE)
    np.testing.assert_array_equal(source.content(path, 31), whole[:, 8:39, 8:39])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": []}, "expected data.kinds"),
        ({"kinds": ["periodic", "spiral"]}, "spiral"),
        ({"val": -1}, "not to be negative"),
        ({"period": [20, 13]}, "two growing numbers"),
        ({"period": [16]}, "two growing numbers"),
        ({"grain": 14}, "not below data.grain"),
        ({"grain": 0}, "at least 1"),
    ],
)
def test_wrong_values_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        make(**change)


@pytest.mark.parametrize("name", ["spiral-000001", "periodic-one", "photo.png"])
def test_a_path_of_other_data_is_refused(name):
    with pytest.raises(ValueError, match="expected a name such as periodic-000012"):
        make().read(Path(name))


def share_that_stands_elsewhere(*options):
    """How many patches of 8 pixels in the holes of every picture the known part has, too."""
    cfg = composed("data=known_source", "data.val=8", "datamodule.workers=0", *options)
    data = instantiate(cfg.datamodule)
    data.setup()
    shares = []
    samples = [sample for batch in data.val_dataloader() for sample in zip(*batch, strict=True)]
    for image, hole, *_ in ([part.numpy() for part in sample] for sample in samples):
        patches = sliding_window_view(image, (8, 8), (1, 2)).transpose(1, 2, 0, 3, 4)
        missing = sliding_window_view(hole[0], (8, 8)).mean((2, 3))
        inside, known = (patches[missing == part].reshape(-1, 192) for part in (1, 0))
        nearest = [np.abs(known - patch).max(1).min() for patch in inside[::37]]
        shares.append(np.mean(np.array(nearest) < 0.05))
    return min(shares)


def test_what_the_default_kinds_hide_can_be_copied():
    """So that an ablation of attention is able to find a difference."""
    assert share_that_stands_elsewhere() > 0.5
    assert share_that_stands_elsewhere("data.kinds=[mirrored]") == 0
