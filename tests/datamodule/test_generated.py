"""Pictures that are generated go through the same steps as files."""

import numpy as np
import pytest

from farfill.data.known_source import KnownSource
from farfill.datamodule.inpainting import InpaintingData
from farfill.mask.box import Box
from helpers.tiny import DATA


def make(resize, **changes):
    source = KnownSource(["periodic", "mirrored"], 4, 3, resize, [10, 12], 3, 1)
    return InpaintingData(source=source, holes=Box(8, 8, 0, 0, 0.5, 0.5), **DATA | changes)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("resize", [16, 21])
def test_the_content_is_that_of_the_pixels_that_are_measured(resize, workers):
    data = make(resize, workers=workers)
    data.setup()
    for batch in data.val_dataloader():
        for index, image in zip(batch.index, batch.image, strict=True):
            path = data.val_set.paths[index]
            content = data.source.content(path, 16)
            assert content.shape[1:] == image.shape[1:]
            whole, picture = data.source.scene(path).content, data.source.read(path)
            levels = ((image + 1) * 127.5).round().permute(1, 2, 0).numpy()
            same = (whole[:, :, :, None, None] == content[:, None, None, ::5, ::5]).all(0)
            for top, left, row, column in np.argwhere(same).tolist():
                assert np.abs(picture[top, left] - levels[5 * row, 5 * column]).max() <= 1
            assert same.any((0, 1)).all()


def test_training_and_validation_share_no_picture():
    data = make(16, flip=False)
    data.setup()
    train, val = (
        {image.numpy().tobytes() for batch in loader for image in batch.image}
        for loader in (data.train_dataloader(), data.val_dataloader())
    )
    assert (len(train), len(val)) == (4, 3)
    assert not train & val


def test_pictures_smaller_than_the_crop_are_refused_before_training():
    with pytest.raises(ValueError, match=r"data\.resize to be at least image_size=16, got 15"):
        make(15).setup()
