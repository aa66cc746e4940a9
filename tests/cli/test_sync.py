"""Which runs are handed to ``wandb sync``, and what is said of them; a script stands in for it."""

from __future__ import annotations

import os
import sys

import pytest

from farfill.cli.sync import main
from farfill.rundir.status import write_status

STUB = """#!{python}
import os, sys
from pathlib import Path
with open(os.environ["CALLS"], "a") as calls:
    print(*(Path(one).name for one in sys.argv[1:]), file=calls)
for folder in map(Path, sys.argv[2:]):
    if "broken" in folder.name:
        sys.exit(1)
    for records in folder.glob("*.wandb"):
        if "ignored" not in folder.name:  # as without a login: nothing is done, status 0
            records.with_name(records.name + ".synced").touch()
"""


@pytest.fixture
def calls(tmp_path, monkeypatch):
    """What the stub was called with, line by line."""
    stub = tmp_path / "bin" / "wandb"
    stub.parent.mkdir()
    stub.write_text(STUB.format(python=sys.executable))
    stub.chmod(0o755)
    log = tmp_path / "calls"
    log.touch()
    monkeypatch.setenv("PATH", f"{stub.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("CALLS", str(log))
    return lambda: log.read_text().splitlines()


def piece(run, time, name):
    folder = run / "wandb" / f"offline-run-{time}-{name}"
    folder.mkdir(parents=True)
    (folder / f"run-{name}.wandb").touch()
    return folder.name


def test_every_run_of_a_sweep_is_uploaded_once(tmp_path, calls, capsys):
    names = [piece(tmp_path / "s" / str(n), "20260131_120000", f"id{n}") for n in range(2)]
    main([str(tmp_path / "s")])
    assert sorted(calls()) == [f"sync {name}" for name in names]
    main([str(tmp_path / "s")])
    assert len(calls()) == 2
    out = capsys.readouterr().out.splitlines()
    assert out[0].startswith("2 uploaded, 0 uploaded before")
    assert out[1].startswith("0 uploaded, 2 uploaded before")


def test_pieces_of_a_resumed_run_go_in_order_of_time(tmp_path, calls):
    late = piece(tmp_path / "s" / "0", "20260201_080000", "same")
    early = piece(tmp_path / "s" / "1", "20260131_120000", "same")
    main([str(tmp_path / "s")])
    assert calls() == [f"sync {early} {late}"]


@pytest.mark.parametrize("name", ["broken", "ignored"])
def test_a_failure_is_named_and_does_not_stop_the_others(tmp_path, calls, capsys, name):
    failing = piece(tmp_path / "s" / "0", "20260131_120000", name)
    piece(tmp_path / "s" / "1", "20260131_130000", "good")
    with pytest.raises(SystemExit) as error:
        main([str(tmp_path / "s")])
    assert error.value.code == 1
    said = capsys.readouterr()
    assert "1 uploaded" in said.out
    assert said.err.strip().endswith(failing)
    assert len(calls()) == 2


def test_a_run_that_is_still_running_waits(tmp_path, calls, capsys):
    piece(tmp_path / "0", "20260131_120000", "one")
    write_status(tmp_path / "0", "running")
    main([str(tmp_path / "0")])
    assert not calls()
    assert "1 still running" in capsys.readouterr().out
    main([str(tmp_path / "0"), "--running"])
    assert len(calls()) == 1


def test_an_empty_folder_is_refused(tmp_path, calls, capsys):
    with pytest.raises(SystemExit):
        main([str(tmp_path / "none")])
    assert capsys.readouterr().err.startswith("farfill: expected offline runs")
