"""Pictures tiled with parts of real ones."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farfill.data.folder import Folder
from farfill.data.protocol import SyntheticSource
from farfill.data.textures import Textures

NO_LISTS = dict.fromkeys(["train_list", "val_list", "train_label", "val_label", "renamed"])


@pytest.fixture
def make(tmp_path):
    """Two photographs of noise to learn from and two to measure on, one of them named alike."""
    rng = np.random.default_rng(0)
    for name in ("train/a.png", "train/b.png", "val/b.png", "val/c.jpg"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        pixels = rng.integers(0, 256, (50, 70, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / name)

    def build(on_error="raise", **changes):
        folders = {"root": str(tmp_path), "train": "train", "val": "val", "val_fraction": 0.1}
        pictures = Folder(**folders, **NO_LISTS, resize=None, on_error=on_error)
        options = {"train": 5, "val": 3, "resize": 40, "period": [11, 15], "part": [0.4, 1]}
        return Textures(**{"pictures": pictures, "seed": 1, **options, **changes})

    return build


def test_each_side_tiles_its_own_pictures_in_turn(make):
    source = make()
    train, val = source.split()
    assert list(map(str, val)) == ["val/b-000000", "val/c-000001", "val/b-000002"]
    assert list(map(str, train[:3])) == ["train/b-000003", "train/a-000004", "train/b-000005"]
    assert len({source.read(path).tobytes() for path in [*train, *val]}) == 8
    assert make(train=99).split().val == val
    assert isinstance(source, SyntheticSource)


def test_a_picture_depends_on_seed_and_number_only(make):
    path = make().split().train[3]
    other = make(train=50)
    other.read(other.split().val[0])
    picture = make().read(path)
    assert (picture.shape, picture.dtype) == ((40, 40, 3), np.uint8)
    np.testing.assert_array_equal(picture, other.read(path))
    assert not np.array_equal(picture, make(seed=2).read(path))


def test_what_the_content_says_is_the_same_is_the_same_and_stands_elsewhere(make):
    source = make()
    for path in source.split().val:
        pixels = source.read(path).reshape(-1, 3).astype(int)
        content = source.content(path, 40).reshape(4, -1).T
        distance = np.linalg.norm(content[:, None] - content[None], axis=-1)
        twins = (distance < 1e-6) & ~np.eye(len(pixels), dtype=bool)
        assert twins.any(1).all()
        change = np.abs(pixels[:, None] - pixels[None]).max(-1)
        assert change[twins].max() == 0
        assert change[distance > 1].mean() > 10


def test_a_tile_is_a_part_of_its_real_picture(make, tmp_path):
    """With a part as large as the tile nothing is scaled, so every tile's pixels are the file's."""
    source = make(period=[20, 20], part=[0.4, 0.4])
    source.split()
    picture, real = source.read(Path("val/b-000000")), np.array(Image.open(tmp_path / "val/b.png"))
    windows = np.lib.stride_tricks.sliding_window_view(real, (4, 4), (0, 1))
    places = [(top, left) for top in range(0, 20, 4) for left in range(0, 20, 4)]
    parts = (picture[top : top + 4, left : left + 4].transpose(2, 0, 1) for top, left in places)
    found = [(windows == part).all((2, 3, 4)).any() for part in parts]
    assert sum(found) >= 16, "all but those across a seam"


def test_tiles_of_one_picture_are_one_cluster(make):
    names = [str(path) for path in make().split().val]
    clusters = [re.search(Textures.cluster, name)[0] for name in names]
    assert clusters == ["val/b", "val/c", "val/b"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"val": -1}, r"data\.val"),
        ({"period": [15, 11]}, r"data\.period"),
        ({"part": [0, 1]}, r"data\.part"),
        ({"on_error": "skip"}, "none may be skipped"),
    ],
)
def test_options_out_of_range_are_refused(make, wrong, says):
    with pytest.raises(ValueError, match=says):
        make(**wrong)


def test_other_names_are_refused(make):
    with pytest.raises(ValueError, match="such as chelsea-000012"):
        make().read(Path("b.png"))
