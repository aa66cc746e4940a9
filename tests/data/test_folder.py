import inspect

import pytest

from farfill.data.folder import Folder

OPTIONS = dict.fromkeys(inspect.signature(Folder).parameters)
OPTIONS |= {"val_fraction": 0.1, "on_error": "raise"}


def folder(root, **changes):
    return Folder(**OPTIONS | {"root": str(root)} | changes)


def split(root, **changes):
    """Relative names of both sides."""
    sides = folder(root, **changes).split()
    return tuple([path.relative_to(root).as_posix() for path in side] for side in sides)


def test_training_pictures_may_be_missing_where_they_are_not_needed(save):
    root = save("val/a.png")
    source = folder(root, train="train", val="val")
    assert source.split(train=False) == ([], [root / "val" / "a.png"])
    with pytest.raises(FileNotFoundError, match="train"):
        source.split()


def test_two_folders(save):
    root = save("train/a.png", "train/x/b.png", "val/c.png", "d.png")
    assert split(root, train="train", val="val") == (
        ["train/a.png", "train/x/b.png"],
        ["val/c.png"],
    )


def test_with_a_val_folder_only_the_rest_is_learnt_from(save):
    root = save("a.png", "val/c.png")
    assert split(root, val="val") == (["a.png"], ["val/c.png"])


def test_with_a_val_list_only_the_rest_is_learnt_from(save):
    root = save("a.png", "b.png", "c.png")
    (root / "val.txt").write_text("b.png\n")
    assert split(root, val_list="val.txt") == (["a.png", "c.png"], ["b.png"])


def test_lists_are_relative_to_their_folders(save):
    root = save("p/a.png", "p/b.png", "q/a.png")
    (root / "train.txt").write_text("b.png\na.png\n")
    (root / "val.txt").write_text("a.png\n")
    lists = {"train_list": "train.txt", "val_list": str(root / "val.txt")}
    assert split(root, train="p", val="q", **lists) == (["p/b.png", "p/a.png"], ["q/a.png"])


def test_a_fraction_is_set_aside_and_adding_pictures_moves_none(save):
    names = [f"{number}.png" for number in range(200)]
    root = save(*names)
    train, val = split(root, val_fraction=0.25)
    assert sorted(train + val) == sorted(names)
    assert 30 <= len(val) <= 70
    save(*(f"new/{number}.png" for number in range(50)))
    more_train, more_val = split(root, val_fraction=0.25)
    assert set(train) < set(more_train)
    assert set(val) < set(more_val)


def test_the_fraction_does_not_depend_on_where_the_folder_lies(save, tmp_path):
    names = [f"{number}.png" for number in range(40)]
    here, there = (save(*names, root=tmp_path / name) for name in ("here", "there"))
    assert split(here, val_fraction=0.5) == split(there, val_fraction=0.5)


def test_a_small_fraction_sets_at_least_one_aside_and_the_ends_are_exact(save):
    root = save("a.png", "b.png", "c.png")
    assert len(split(root, val_fraction=0.001)[1]) == 1
    assert split(root, val_fraction=0)[1] == []
    assert split(root, val_fraction=1)[0] == []


def test_a_shared_picture_is_named(save):
    root = save("a.png", "x/b.png")
    with pytest.raises(ValueError, match=r"share 1 pictures, .*x/b\.png for one"):
        split(root, train=".", val="x")
    (root / "list.txt").write_text("a.png\n")
    with pytest.raises(ValueError, match=r"share 1 pictures, .*a\.png"):
        split(root, train_list="list.txt", val_list="list.txt")


def test_a_picture_is_the_same_by_its_absolute_name_and_by_a_link(save, tmp_path):
    root = save("a.png", "x/b.png", "c.png")
    (tmp_path / "link").symlink_to(root)
    (root / "val.txt").write_text(f"{root}/c.png\n{tmp_path}/link/x/b.png\n")
    assert [path.name for path in folder(root, val_list="val.txt").split().train] == ["a.png"]
    with pytest.raises(ValueError, match=r"share 1 pictures, .*b\.png for one"):
        folder(root, train=".", val=str(tmp_path / "link" / "x")).split()


def test_what_is_missing_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"needs data\.root="):
        Folder(**OPTIONS).split()
    with pytest.raises(FileNotFoundError, match=r"data\.root: there is no folder .*absent"):
        split(tmp_path / "absent")
    with pytest.raises(ValueError, match=rf"no picture \(\.jpg, .*\) in the folder {tmp_path}"):
        split(tmp_path)
    with pytest.raises(FileNotFoundError, match=r"no folder .*/train \(data\.root, data\.train"):
        split(tmp_path, train="train")


@pytest.mark.parametrize("wrong", [{"on_error": "ignore"}, {"val_fraction": 1.5}, {"cluster": "("}])
def test_options_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError, match=r"expected data\."):
        folder("x", **wrong)
