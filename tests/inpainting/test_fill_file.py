"""What a picture file takes is known before it is read."""

import numpy as np
import pytest
from torch import nn

import farfill
from farfill.attention.none import NoAttention
from farfill.image.write import write_picture
from farfill.inpainting.fill_file import fill_file
from farfill.inpainting.pairing import Job
from farfill.inpainting.predictor import Predictor

OPTIONS = {
    **{"threshold": 127.5, "invert": False, "resize_mask": True, "max_hole": 0.75},
    **{"dilate": 0, "feather": 0, "crop": None, "max_pixels": 64, "max_file_pixels": None},
}


@pytest.fixture
def files(tmp_path, monkeypatch):
    """Fill a file of a size, to a result and perhaps an attention picture; nothing is read."""

    def read(*_):
        raise AssertionError("the pixels were read")

    monkeypatch.setattr("farfill.inpainting.fill_file.read_picture", read)
    monkeypatch.setattr("farfill.inpainting.fill_file.read_hole", read)

    def run(size, output="o.png", attention=None, memory_limit=None):
        write_picture(tmp_path / "a.png", np.zeros(size, np.uint8))
        write_picture(tmp_path / "m.png", np.zeros((4, 4), np.uint8))
        places = (tmp_path / name if name else None for name in (output, attention))
        job = Job(tmp_path / "a.png", tmp_path / "m.png", *places)
        fill_file(job, Predictor(nn.Identity()), **OPTIONS, memory_limit=memory_limit)

    return run


def test_an_attention_picture_that_cannot_be_drawn_leaves_no_result_behind(tmp_path):
    names = [tmp_path / f"{name}.png" for name in ("image", "mask", "filled", "attention")]
    write_picture(names[0], np.zeros((16, 16, 3), np.uint8))
    write_picture(names[1], np.eye(16, dtype=np.uint8) * 255)
    silent = Predictor(farfill.Generator(2, NoAttention()).eval())
    with pytest.raises(ValueError, match="does not say where it borrows"):
        fill_file(Job(*names), silent, **OPTIONS, memory_limit=None)
    assert sorted(tmp_path.iterdir()) == sorted(names[:2])


@pytest.mark.parametrize(
    ("size", "output", "attention", "name"),
    [
        ((1, 70_000), "o.jpg", None, "o.jpg would have 70000 x 1 .* 65500 per side"),
        ((16_384, 2), "o.webp", None, "o.webp would have 2 x 16384 .* 16383 per side"),
        ((16_384, 2), "o.png", "map.webp", "map.webp would have 2 x 16384 .* 16383 per side"),
    ],
)
def test_a_picture_too_long_for_its_format_is_refused_before_it_is_read(
    files, size, output, attention, name
):
    with pytest.raises(ValueError, match=name):
        files(size, output, attention)


def test_a_picture_that_takes_too_much_memory_is_refused_before_it_is_read(files):
    reason = r"a\.png takes about 0\.2 GB of memory at its full size.*more than memory_limit: scale"
    with pytest.raises(ValueError, match=reason):
        files((2000, 2000), memory_limit=0.1)
    with pytest.raises(AssertionError, match="were read"):
        files((2000, 2000), memory_limit=0.2)
