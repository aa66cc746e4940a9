"""Pictures of every kind, whole, damaged and lying: read rightly or refused in one line."""

import numpy as np
import pytest
from hypothesis import strategies as st

from farfill.image.picture import read_picture
from farfill.image.read import picture_size, read_rgb
from farfill.image.write import write_picture
from helpers.fuzz import attempt, fuzz, refusal
from helpers.malformed import PictureFile, declare_size, picture_files, whole_pictures
from helpers.memory import growth

LIMIT = 100_000  # pixels
LONGEST_SIDE = {"jpg": 2**16 - 1, "gif": 2**16 - 1, "webp": 2**14 - 1}  # that the header can say


@st.composite
def bombs(draw: st.DrawFn) -> PictureFile:
    """A small file whose header promises between 64 million and 2**62 pixels."""
    files = {name: data for name, data in whole_pictures().items() if not name.startswith("moving")}
    name = draw(st.sampled_from(sorted(files)))
    extension = name.rpartition(".")[2]
    longest = LONGEST_SIDE.get(extension, 2**31 - 1)  # one more would be declared as 0
    sides = st.integers(8000, 16_000) | st.integers(8000, longest)
    width, height = draw(st.tuples(sides, sides))
    return PictureFile(name, declare_size(files[name], extension, width, height))


@fuzz(200, bombs())
def test_a_declared_size_takes_no_memory(folder, case: PictureFile):
    path = case.put(folder)
    for read in (read_rgb, read_picture, picture_size):
        with pytest.raises(ValueError, match="cannot read the picture") as error:
            read(path, LIMIT)
        refusal(error.value, case.name)
        assert growth(read, path, LIMIT) < 50_000_000


@fuzz(500, picture_files())
def test_training_gets_rgb_or_one_line(folder, case: PictureFile):
    path = case.put(folder)
    read = attempt(lambda: (read_rgb(path, LIMIT), picture_size(path, LIMIT)), case.name)
    if read is None:
        return
    pixels, size = read
    assert pixels.dtype == np.uint8
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert 0 < pixels.size <= 3 * LIMIT
    assert set(size) == set(pixels.shape[:2])


@fuzz(500, picture_files())
def test_filling_gets_a_picture_that_can_be_written_or_one_line(folder, case: PictureFile):
    path = case.put(folder)
    picture = attempt(lambda: read_picture(path, LIMIT), case.name)
    if picture is None:
        return
    assert picture.pixels.dtype in (np.uint8, np.uint16)
    assert 0 < picture.size[0] * picture.size[1] <= LIMIT
    assert picture.rgb().shape == (*picture.size, 3)
    if picture.alpha is not None:
        assert picture.alpha.shape == picture.size
        assert picture.alpha.dtype == picture.pixels.dtype
    write_picture(folder / "result.png", picture)
    again = read_picture(folder / "result.png", LIMIT)
    np.testing.assert_array_equal(again.rgb(), picture.rgb())
    if picture.alpha is not None:
        np.testing.assert_array_equal(again.alpha, picture.alpha)
