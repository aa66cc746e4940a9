import os

import pytest

from farfill.data.listing import pictures_below, pictures_listed, rename


def relative(paths, root):
    return [path.relative_to(root).as_posix() for path in paths]


def test_every_picture_sorted_and_nothing_hidden(save):
    root = save("b/2.jpg", "a.PNG", "b/1.JPEG", "b/c/3.webp", ".x/4.png", "b/.5.png", "6.tiff")
    (root / "notes.txt").write_text("no picture")
    expected = ["6.tiff", "a.PNG", "b/1.JPEG", "b/2.jpg", "b/c/3.webp"]
    assert relative(pictures_below(root), root) == expected


def test_links_are_followed_but_loops_end(save, tmp_path):
    save("elsewhere/2.png", root=tmp_path / "other")
    root = save("a/1.png", root=tmp_path / "here")
    (root / "a" / "loop").symlink_to(root)
    (root / "b").symlink_to(tmp_path / "other")
    assert relative(pictures_below(root), root) == ["a/1.png", "b/elsewhere/2.png"]


def test_a_folder_that_may_not_be_read_is_told_of(save, monkeypatch, caplog):
    root, scan = save("a/1.png", "b/2.png"), os.scandir

    def scandir(path):
        if os.fspath(path).endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", scandir)  # a test may run as root, who may read all
    assert relative(pictures_below(root), root) == ["a/1.png"]
    (record,) = caplog.records
    assert "Permission denied" in record.message
    assert str(root / "b") in record.message


def test_a_list_that_is_no_utf_8_and_odd_names(tmp_path):
    (tmp_path / "list.txt").write_bytes("a\u2028b.png\r\n~nobody/c.png".encode())
    found = pictures_listed(tmp_path / "list.txt", tmp_path, None)
    assert relative(found, tmp_path) == ["a\u2028b.png", "~nobody/c.png"]
    (tmp_path / "list.txt").write_bytes("a.png\nä.png".encode("latin-1"))
    with pytest.raises(ValueError, match=r"list\.txt is no text in UTF-8 \(byte 7\)"):
        pictures_listed(tmp_path / "list.txt", tmp_path, None)


def test_lists_keep_order_spaces_and_absolute_paths(save, tmp_path):
    root = save("b.png", "my cat.jpg", "x/c.png")
    outside = save("out.png", root=tmp_path / "outside") / "out.png"
    (root / "list.txt").write_text(
        f"\ufeff# two ways\r\n\nmy cat.jpg 3\n  b.png\n/x/c.png 0\n{outside} 1\n", encoding="utf-8"
    )
    found = pictures_listed(root / "list.txt", root, None)
    assert found == [root / "my cat.jpg", root / "b.png", root / "x/c.png", outside]


def test_a_name_that_no_file_has_is_kept_below_the_folder(tmp_path):
    name = f"/{'x' * 300}.png"
    (tmp_path / "list.txt").write_text(name)
    assert pictures_listed(tmp_path / "list.txt", tmp_path, None) == [tmp_path / name[1:]]


def test_a_label_selects_lines(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg 0\nb.jpg 1\nc.jpg 0\nd.jpg\n")
    found = pictures_listed(tmp_path / "list.txt", tmp_path, "0")
    assert relative(found, tmp_path) == ["a.jpg", "c.jpg"]
    with pytest.raises(ValueError, match=r"list\.txt names no picture with the label 2"):
        pictures_listed(tmp_path / "list.txt", tmp_path, "2")


def test_a_bad_line_is_named(tmp_path):
    (tmp_path / "list.txt").write_text("a.jpg\n\na.mp4\n")
    with pytest.raises(ValueError, match=r"line 3 of the list .*list\.txt, got 'a\.mp4'"):
        pictures_listed(tmp_path / "list.txt", tmp_path, None)
    with pytest.raises(FileNotFoundError, match=r"no list file .*absent\.txt"):
        pictures_listed(tmp_path / "absent.txt", tmp_path, None)


def test_renamed_pictures_are_found_under_their_new_names(save, tmp_path):
    root = save("hq/0.jpg", "hq/1.png", "hq/2.jpg")
    table = root / "table.txt"
    table.write_text(
        "idx orig_idx orig_file\n0   7  000008.jpg\n1   3  000004.jpg\n9 1 000002.jpg\n"
    )
    listed = [root / "hq" / name for name in ("000002.jpg", "000004.jpg", "000008.jpg", "x.jpg")]
    assert relative(rename(listed, table, root / "hq"), root) == ["hq/1.png", "hq/0.jpg"]
    with pytest.raises(ValueError, match=r"data\.renamed: .*table\.txt does not link"):
        rename(listed[3:], table, root / "hq")
