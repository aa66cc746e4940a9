"""Files that are either whole or not there."""

from __future__ import annotations

import pytest

from farfill.files import atomic


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
