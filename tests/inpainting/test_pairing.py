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


def jobs(*rows, refused=()):
    done = [Job(*(None if part is None else Path(part) for part in row)) for row in rows]
    return done, [*refused]


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
    assert [job.mask.name for job in pair("in", "masks", "out")[0]] == ["a_mask.png", "b.png"]


def test_a_picture_without_one_mask_fails_alone():
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg", "masks/a.png", "masks/c.png", "masks/c_mask.gif")
    found, refused = pair("in", "masks", "out")
    assert found == jobs(("in/a.jpg", "masks/a.png", "out/a.png", None))[0]
    assert refused[0].startswith("in/b.jpg: no mask in masks for b.jpg; expected the same name")
    assert refused[1].startswith("in/c.jpg: several masks for one picture: masks/c.png, ")


def test_pictures_and_masks_may_lie_in_one_folder():
    touch("in/a.jpg", "in/a_mask.png", "in/b.png", "in/b_mask.png", "in/c.png")
    found, refused = pair("in", "in", "out")
    assert [(job.image.name, job.mask.name) for job in found] == [
        ("a.jpg", "a_mask.png"),
        ("b.png", "b_mask.png"),
    ]
    assert [line.partition(":")[0] for line in refused] == ["in/c.png"]


def test_a_list_stays_parallel_to_its_results_where_a_mask_is_missing():
    touch("a.jpg", "b.jpg", "masks/b.png")
    found, refused = pair(["a.jpg", "b.jpg"], "masks", ["x.png", "y.png"])
    assert found == jobs(("b.jpg", "masks/b.png", "y.png", None))[0]
    assert len(refused) == 1


def test_without_a_mask_each_picture_is_its_own():
    touch("a.png", "b.png")
    assert pair(["a.png", "b.png"], None, "out") == jobs(
        ("a.png", None, "out/a.png", None), ("b.png", None, "out/b.png", None)
    )


def test_one_mask_for_a_folder():
    touch("in/a.jpg", "in/b.jpg", "m.png")
    assert [job.mask for job in pair("in", "m.png", "out.v2")[0]] == [Path("m.png")] * 2


def test_lists_are_parallel():
    touch("b.jpg", "a.jpg", "1.png", "2.png")
    assert pair(["b.jpg", "a.jpg"], ["1.png", "2.png"], ["x.tif", "y.webp"]) == jobs(
        ("b.jpg", "1.png", "x.tif", None), ("a.jpg", "2.png", "y.webp", None)
    )
    assert [job.output for job in pair(["b.jpg", "a.jpg"], ["1.png"], "out")[0]] == [
        Path("out/b.png"),
        Path("out/a.png"),
    ]


def test_the_home_folder_is_known(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    touch("a.jpg", "m.png")
    assert pair("~/a.jpg", "m.png", "~/f.png")[0][0].output == tmp_path / "f.png"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("x.jpg", "m.png", "f.png"), "`image`: there is no file x.jpg"),
        (("a.jpg", "x.png", "f.png"), "`mask`: there is no file x.png"),
        ((["a.jpg", "in"], "m.png", "out"), "`image`: there is no file in"),
        (("empty", "m.png", "out"), "`image`: there are no pictures"),
        (("b.jpg", "masks", "out"), r"`mask`: no mask in masks for b\.jpg"),
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
        (
            ("twice", "m.png", "out"),
            r"two results would go into out.a\.png, of twice.a\.jpg and twice.a\.png: name each",
        ),
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
    with pytest.raises(FileNotFoundError, match=r"no file 0\.jpg, .*4\.jpg and 3 more$"):
        pair([f"{i}.jpg" for i in range(8)], "m.png", "out")


def test_what_is_there_may_be_skipped_so_that_a_folder_goes_on():
    touch("in/a.jpg", "in/b.jpg", "in/c.jpg", "m.png", "out/a.png", "maps/b.png")
    jobs, _ = pair("in", "m.png", "out", skip_existing=True)
    assert [job.image.name for job in jobs] == ["b.jpg", "c.jpg"]
    with pytest.raises(ValueError, match=r"a\.png exists already: .* skip_existing=true"):
        pair("in", "m.png", "out")
    with pytest.raises(ValueError, match=r"a\.png, maps.b\.png exist already"):
        pair("in", "m.png", "out", "maps", skip_existing=True)  # each has one of its two
    touch("maps/a.png", "out/b.png")
    jobs, _ = pair("in", "m.png", "out", "maps", skip_existing=True)
    assert [job.image.name for job in jobs] == ["c.jpg"]
    with pytest.raises(ValueError, match=r"a\.jpg would replace an input"):
        pair("in/a.jpg", "m.png", "in/a.jpg", skip_existing=True, lossy=True)


def test_overwrite_allows_results_but_never_inputs():
    touch("a.png", "m.png", "old.png")
    assert pair("a.png", "m.png", "old.png", overwrite=True)[0][0].output == Path("old.png")
    os.link("a.png", "same.png")
    Path("link.png").symlink_to("m.png")
    for target in ("a.png", "./a.png", "same.png", "link.png"):
        with pytest.raises(ValueError, match="would replace an input"):
            pair("a.png", "m.png", target, overwrite=True)


def test_a_jpeg_when_it_may_be_lossy():
    touch("a.jpg", "m.png")
    assert pair("a.jpg", "m.png", "f.jpg", lossy=True)[0][0].output == Path("f.jpg")
