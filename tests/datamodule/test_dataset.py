import numpy as np
import pytest
import torch
from PIL import Image

from farfill.datamodule.dataset import InpaintingDataset
from farfill.datamodule.stream import Draw
from farfill.types import Batch

OPTIONS = {"image_size": 16, "resize": None, "seed": 3, "train": True, "flip": True, "cache": False}


def same(first, second):
    return [torch.equal(a, b) for a, b in zip(first, second, strict=True)]


@pytest.fixture
def make(paths, box):
    return lambda **changes: InpaintingDataset(paths, box, **OPTIONS | changes)


def test_a_sample_is_a_batch_without_its_axis(make):
    sample = make()[Draw(0, 3, 3)]
    assert isinstance(sample, Batch)
    shapes = [tuple(part.shape) for part in sample]
    assert shapes == [(3, 16, 16), (1, 16, 16), (1, 16, 16), (4,), ()]
    kinds = [part.dtype for part in sample]
    assert kinds == [torch.float32] * 3 + [torch.int64] * 2
    assert sample.index == 3
    assert set(sample.hole.unique().tolist()) == {0, 1}
    top, left, height, width = sample.box.tolist()
    assert sample.region.sum() == sample.region[0, top : top + height, left : left + width].sum()
    assert sample.region.sum() == 64 >= sample.hole.sum()


def test_the_image_is_the_picture(make, paths):
    sample = make(train=False)[Draw(0, 2, 2)]
    centre = np.array(Image.open(paths[2]))[4:20, 8:24]
    levels = ((sample.image + 1) * 127.5).round().byte()
    np.testing.assert_array_equal(levels.permute(1, 2, 0).numpy(), centre)


def test_a_sample_depends_on_seed_and_draw_and_not_on_what_came_before(make):
    data = make()
    first = data[Draw(1, 2, 7)]
    data[Draw(0, 4, 4)]
    assert all(same(first, data[Draw(1, 2, 7)]))
    assert all(same(first, make()[Draw(1, 2, 7)]))
    assert same(first, make(seed=4)[Draw(1, 2, 7)])[:2] == [False, False]


def test_another_epoch_has_another_crop_and_another_hole_number_another_hole(make):
    crops = {make()[Draw(epoch, 2, 7)].image.numpy().tobytes() for epoch in range(6)}
    assert len(crops) == 6
    holes = {tuple(make()[Draw(0, 2, number)].box.tolist()) for number in range(6)}
    assert len(holes) >= 4
    assert same(make()[Draw(0, 2, 7)], make()[Draw(5, 1, 7)])[:2] == [False, True]


def test_validation_draws_other_holes_than_training(make):
    draws = [Draw(0, index, index) for index in range(5)]
    train, val = ([make(train=side)[d].box.tolist() for d in draws] for side in (True, False))
    assert train != val


def test_the_cache_changes_nothing_and_saves_reading(make, paths):
    plain, cached = make(resize=20), make(resize=20, cache=True)
    draws = [Draw(epoch, 1, epoch) for epoch in range(3)]
    expected = [plain[draw] for draw in draws]
    assert all(same(cached[draws[0]], expected[0]))
    paths[1].unlink()
    for draw, sample in zip(draws, expected, strict=True):
        assert all(same(cached[draw], sample))
    with pytest.raises(ValueError, match=r"cannot read the picture .*1\.png"):
        plain[draws[0]]


def test_a_picture_smaller_than_the_crop_is_named_again_when_it_is_read(make, paths):
    Image.new("RGB", (40, 12)).save(paths[0])
    with pytest.raises(ValueError, match=r"0\.png \(12 x 40\) is smaller.*data\.resize=16"):
        make()[Draw(0, 0, 0)]
    assert make(resize=16)[Draw(0, 0, 0)].image.shape == (3, 16, 16)
