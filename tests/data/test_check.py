import logging

import pytest

from farfill.data import check


@pytest.fixture
def paths(save):
    root = save(*(f"{number}.png" for number in range(6)), size=(20, 30))
    return sorted(root.iterdir())


def test_pictures_of_the_crops_size_pass_and_smaller_ones_are_named(paths, save):
    check.check_sizes(paths, None, 20)
    save("3.png", size=(30, 19))
    with pytest.raises(ValueError, match=r"3\.png \(30 x 19\) is smaller than .*data\.resize=20"):
        check.check_sizes(paths, None, 20)
    check.check_sizes(paths, 24, 20)  # will be enlarged
    check.check_sizes([], None, 20)


def test_a_resize_below_the_crop_is_refused(paths):
    check.check_sizes(paths, 20, 20)
    with pytest.raises(ValueError, match=r"data\.resize to be at least image_size=20, got 19"):
        check.check_sizes(paths, 19, 20)


@pytest.mark.parametrize("resize", [None, 24])
def test_an_unreadable_header_is_named(paths, resize):
    paths[4].write_text("no picture")
    with pytest.raises(ValueError, match=r"cannot read the picture .*4\.png"):
        check.check_sizes(paths, resize, 20)


def test_of_many_pictures_evenly_spaced_ones_are_read(paths, monkeypatch):
    monkeypatch.setattr(check, "CHECKED", 2)
    read = []
    monkeypatch.setattr(check, "picture_size", lambda path, **_: read.append(path) or (20, 20))
    check.check_sizes(paths, None, 20)
    assert read == [paths[0], paths[5]]


def test_unreadable_pictures_are_counted_and_listed_once(paths, caplog):
    whole = paths[1].read_bytes()
    paths[1].write_bytes(whole[:-30])  # the header is fine
    paths[4].write_text("no picture")
    with caplog.at_level(logging.WARNING):
        assert check.unreadable(paths) == {paths[1], paths[4]}
    (record,) = caplog.records
    assert "skipped 2 of 6 pictures" in record.message
    assert record.message.count(str(paths[1])) == 1
    assert str(paths[4]) in record.message
    assert str(paths[2]) not in record.message


def test_nothing_is_said_when_all_are_readable(paths, caplog):
    assert check.unreadable(paths) == set()
    assert not caplog.records


def test_if_none_is_readable_that_is_an_error(paths):
    for path in paths:
        path.write_text("no picture")
    with pytest.raises(ValueError, match=r"none of the 6 pictures can be read: .*0\.png"):
        check.unreadable(paths)
