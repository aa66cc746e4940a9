"""Masks of every kind, for training and for filling: holes or one line."""

import numpy as np
from hypothesis import strategies as st

from farfill.image.hole import read_hole
from farfill.mask.folder import Folder
from helpers.fuzz import attempt, fuzz
from helpers.malformed import SIZE, PictureFile, picture_files

LIMIT = 100_000  # pixels

thresholds = st.one_of(
    st.floats(), st.integers(-300, 300), st.sampled_from([0, 127.5, 254.9, 255, 1e308])
)
options = st.fixed_dictionaries(
    {
        "threshold": thresholds,
        "invert": st.booleans(),
        "resize": st.booleans(),
        "max_hole": st.floats(0, 1),
    }
)


@fuzz(400, st.tuples(picture_files(), options))
def test_a_hole_fits_its_picture_or_is_refused(folder, case: tuple[PictureFile, dict]):
    file, how = case
    path = file.put(folder)
    names = (file.name, "`threshold`", "`max_hole`")
    hole = attempt(lambda: read_hole(path, SIZE, **how, max_pixels=LIMIT), *names)
    if hole is None:
        return
    assert hole.dtype == bool
    assert hole.shape == SIZE
    assert hole.any()
    assert not hole.all()
    assert hole.mean() <= how["max_hole"]


@fuzz(400, st.lists(picture_files(), min_size=1, max_size=3))
def test_a_folder_of_masks_gives_holes_or_names_the_bad_one(folder, case: list[PictureFile]):
    for number, file in enumerate(case):
        if file.kind != "too long":
            (folder / str(number)).mkdir()
            file.put(folder / str(number))
    sampler = Folder(str(folder), False, 127, True, 4, 4, LIMIT)

    def draw():
        sampler.check(8, 8)
        return sampler(np.random.default_rng(0), 8, 8)

    hole = attempt(draw, *(file.name for file in case), folder.name)
    if hole is None:
        return
    assert hole.mask.shape == (8, 8)
    assert hole.mask.any()
    assert not hole.mask.all()
    assert hole.box[2:] == (4, 4)
