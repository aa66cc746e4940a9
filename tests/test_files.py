"""Files that are either whole or not there."""

import errno
import os
from pathlib import Path

import pytest

from farfill.files import atomic, naming, remove_parts


def test_a_whole_file_takes_its_name_and_nothing_else_stays(tmp_path):
    with atomic(tmp_path / "new" / "a.txt") as part:
        assert part.suffix == ".txt"
        part.write_text("whole")
        assert not (tmp_path / "new" / "a.txt").exists()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.txt"]
    assert (tmp_path / "new" / "a.txt").read_text() == "whole"


def test_a_failure_keeps_the_earlier_file(tmp_path):
    (tmp_path / "a.txt").write_text("earlier")

    def fail():
        with atomic(tmp_path / "a.txt") as part:
            part.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]
    assert (tmp_path / "a.txt").read_text() == "earlier"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("call", ["farfill.files.mkdtemp", "os.fsync"])
def test_what_cannot_be_written_is_named_and_what_to_do_is_said(
    tmp_path, monkeypatch, number, call
):
    def fail(*_, **__):
        raise OSError(number, os.strerror(number), str(tmp_path / ".part-x"))

    monkeypatch.setattr(call, fail)
    with (
        pytest.raises(type(OSError(number, "")), match="start again") as error,
        atomic(tmp_path / "a.txt") as part,
    ):
        part.touch()
    assert error.value.errno == number
    assert ("make room" in str(error.value)) == (number == errno.ENOSPC)
    reason = os.strerror(number)
    assert str(error.value).startswith(f"{tmp_path}/a.txt could not be written ({reason}); ")
    assert ".part-" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_tidying_up_that_fails_does_not_hide_the_error(tmp_path, monkeypatch):
    def write():
        with atomic(tmp_path / "a.txt") as part:
            part.write_text("half")
            monkeypatch.setattr("os.rmdir", fail)
            monkeypatch.setattr("os.unlink", fail)
            raise KeyError("mine")

    def fail(*_, **__):
        raise OSError(errno.EROFS, "read-only")

    with pytest.raises(KeyError, match="mine"):
        write()


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
def test_what_is_no_regular_file_is_not_replaced(tmp_path, make):
    make(tmp_path / "out.png")
    mode = (tmp_path / "out.png").stat().st_mode
    with (
        pytest.raises(FileExistsError, match=r"out\.png is no regular file"),
        atomic(tmp_path / "out.png"),
    ):
        pass
    assert (tmp_path / "out.png").stat().st_mode == mode
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_a_file_that_grows_is_named_too():
    full = Path("/dev/full")
    with (
        pytest.raises(OSError, match=r"^/dev/full could not be written \(No space left") as error,
        naming(full),
        full.open("w") as file,
    ):
        file.write("row")
    assert error.value.errno == errno.ENOSPC


def test_what_a_killed_process_left_is_told_from_other_folders(tmp_path):
    """Of a name that is its own, with one file at most, and no link."""

    def die():
        with atomic(tmp_path / "a.txt") as part:
            part.touch()
            os._exit(0)

    child = os.fork()
    if child == 0:
        die()
    os.waitpid(child, 0)
    [half] = tmp_path.iterdir()
    others = [tmp_path / ".part-mine", tmp_path / ".part-thesis_2", tmp_path / ".part-12345678x"]
    for other in others:
        other.mkdir()
        (other / "thesis.txt").touch()
    (others[1] / "more.txt").touch()
    (tmp_path / ".part-ab12_x9z").symlink_to(others[0])
    (tmp_path / ".part-ab12_x9y").touch()
    remove_parts(tmp_path)
    assert not half.exists()
    assert len(list(tmp_path.iterdir())) == 5
