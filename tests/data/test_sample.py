import pytest

from farfill.data import sample
from farfill.data.sample import Sample
from farfill.image.read import read_rgb

VAL = ["rocket", "chelsea"]


def test_the_split_is_by_picture_and_every_photograph_is_readable():
    train, val = Sample(VAL, 96, True).split()
    assert [path.stem for path in val] == ["chelsea", "rocket"]
    assert len({path.stem for path in train}) == len(train) == 14
    assert not {path.stem for path in train} & set(VAL)
    for path in [*train, *val]:
        picture = read_rgb(path)
        assert min(picture.shape[:2]) >= 256
        assert picture.std() > 10, f"{path.name} shows next to nothing"


@pytest.mark.parametrize("val", [["chelsea", "mona_lisa"], []])
def test_an_unknown_picture_or_none_is_refused(val):
    with pytest.raises(ValueError, match=r"expected data\.val to name some, not all, of astronaut"):
        Sample(val, 96, True).split()


def test_a_picture_or_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sample.PICTURES, "skimage/data", "astronaut.png mona_lisa.png")
    with pytest.raises(FileNotFoundError, match=r"scikit-image .* \(mona_lisa\.png not found\)"):
        Sample(VAL, 96, True).split()
    monkeypatch.setattr(sample, "find_spec", lambda package: None)
    with pytest.raises(FileNotFoundError, match="scikit-image is installed without"):
        Sample(VAL, 96, True).split()
