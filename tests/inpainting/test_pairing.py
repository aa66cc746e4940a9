"""Pictures, masks and results find each other, or one sentence says why not."""

import os
from pathlib import Path

import pytest

from farfill.inpainting.pairing import Job, pair


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def touch(*names):
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(name.encode())


def jobs(*rows):
    return [Job(*(None if part is None else Path(part) for part in row)) for row in rows]


def test_one_picture():
    touch("a.jpg", "m.png")
    assert pair("a.jpg", "m.png", "f.png") == jobs(("a.jpg", "m.png", "f.png", None))
    assert pair("a.jpg", "m.png", "out", "map.png") == jobs(
        ("a.jpg", "m.png", "out/a.png", "map.png")
    )


def test_folders_pair_by_name():
    touch("in/b.jpg", "in/a.PNG", "in/notes.txt", "in/._a.png", "in/sub/c.png")
    touch("masks/a.png", "masks/b.gif", "masks/extra.png")
    assert pair("in", "masks", "out", "maps") == jobs(
        ("in/a.PNG", "masks/a.png", "out/a.png", "maps/a.png"),
        ("in/b.jpg", "masks/b.gif", "out/b.png", "maps/b.png"),
    )


def test_a_mask_may_be_called_mask():
    touch("in/a.jpg", "in/b.jpg", "masks/a_mask.png", "masks/b.png", "masks/c_mask.png")
    assert [job.mask.name for job in pair("in", "masks", "out")] == ["a_mask.png", "b.png"]
    touch("masks/b_mask.gif")
    with pytest.raises(ValueError, match=r"several masks for one picture: .*b\.png, .*b_mask\.gif"):
        pair("in", "masks", "out")


def test_one_mask_for_a_folder():
    touch("in/a.jpg", "in/b.jpg", "m.png")
    assert [job.mask for job in pair("in", "m.png", "out.v2")] == [Path("m.png")] * 2


def test_lists_are_parallel():
    touch("b.jpg", "a.jpg", "1.png", "2.png")
    assert pair(["b.jpg", "a.jpg"], ["1.png", "2.png"], ["x.tif", "y.webp"]) == jobs(
        ("b.jpg", "1.png", "x.tif", None), ("a.jpg", "2.png", "y.webp", None)
    )
    assert [job.output for job in pair(["b.jpg", "a.jpg"], ["1.png"], "out")] == [
        Path("out/b.png"),
        Path("out/a.png"),
    ]


def test_the_home_folder_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    touch("a.jpg", "m.png")
    assert pair("~/a.jpg", "m.png", "~/f.png")[0].output == tmp_path / "f.png"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.jpg", "m.png", "f.png"), "`image`: there is no file x.jpg"),
        (("a.jpg", "x.png", "f.png"), "`mask`: there is no file x.png"),
        ((["a.jpg", "in"], "m.png", "out"), "`image`: there is no file in"),
        (("empty", "m.png", "out"), "`image`: there are no pictures"),
        (("in", "masks", "out"), r"`mask`: no mask in masks for b\.jpg"),
        (("in", ["m.png", "n.png"], "out"), "`image` is a folder, so give `mask` as a folder"),
        (("in", "m.png", ["x.png", "y.png"]), "`image` is a folder, so give `output`"),
        (
            (["a.jpg", "b.jpg"], ["m.png", "n.png", "m.png"], "out"),
            "`mask` as in `image`, 2, got 3",
        ),
        ((["a.jpg", "b.jpg"], "m.png", ["x.png"]), "`output` as in `image`, 2, got 1"),
        (("in", "m.png", "f.png"), r"`output` is one file, f\.png, for 2 pictures"),
        (("a.jpg", "m.png", "f.bmp"), r"expected `output` to end in"),
        (("a.jpg", "m.png", "f.jpg"), "lossy=true"),
        (("twice", "m.png", "out"), r"two results would go into out.a\.png"),
        (("a.jpg", "twice", "out"), r"several masks for one picture: .*a\.jpg, .*a\.png"),
        (("a.jpg", "m.png", "f.png", "f.png"), r"two results would go into f\.png"),
        (("a.png", "m.png", "a.png"), r"a\.png would replace an input"),
        (("a.jpg", "m.png", "m.png"), r"m\.png would replace an input"),
        (("a.jpg", "m.png", "old.png"), r"old\.png exists already.*overwrite=true"),
        (("a.jpg", "m.png", "f.png", "old.png"), r"old\.png exists already"),
    ],
)
def test_what_does_not_pair_up_is_said(arguments, message):
    touch("a.jpg", "b.jpg", "a.png", "m.png", "n.png", "old.png", "in/a.jpg", "in/b.jpg")
    touch("masks/a.png", "twice/a.jpg", "twice/a.png", "empty/notes.txt")
    with pytest.raises((ValueError, FileNotFoundError), match=message):
        pair(*arguments)


def test_many_names_are_cut_short():
    touch(*(f"in/{i}.jpg" for i in range(8)), "masks/other.png")
    with pytest.raises(FileNotFoundError, match=r"for 0\.jpg, .*4\.jpg and 3 more;"):
        pair("in", "masks", "out")


def test_overwrite_allows_results_but_never_inputs():
    touch("a.png", "m.png", "old.png")
    assert pair("a.png", "m.png", "old.png", overwrite=True)[0].output == Path("old.png")
    os.link("a.png", "same.png")
    Path("link.png").symlink_to("m.png")
    for target in ("a.png", "./a.png", "same.png", "link.png"):
        with pytest.raises(ValueError, match="would replace an input"):
            pair("a.png", "m.png", target, overwrite=True)


def test_a_jpeg_when_it_may_be_lossy():
    touch("a.jpg", "m.png")
    assert pair("a.jpg", "m.png", "f.jpg", lossy=True)[0].output == Path("f.jpg")
