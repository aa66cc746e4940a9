"""A run's folder belongs to one process, as long as that lives."""

import os
import shutil
import signal
import time
from pathlib import Path

import pytest

from farfill.rundir import status
from farfill.rundir.status import lock_run_dir


def test_another_process_is_kept_out_and_told_why(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(status, "LOCK_TIMEOUT_S", 0.3)
    with lock_run_dir(tmp_path):
        with pytest.raises(ValueError, match=f"another process is writing to {tmp_path}: wait"):
            lock_run_dir(tmp_path).__enter__()
        assert capsys.readouterr().out == f"Waiting: another process holds {tmp_path} ...\n"
    with lock_run_dir(tmp_path):
        assert not capsys.readouterr().out


def hold_in_child(folder: Path, seconds: float) -> tuple[int, int]:
    """Take the folder in a child that has a child of its own, as a data loader has; their ids."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        with lock_run_dir(folder):
            worker = os.fork()
            if worker:
                os.write(writer, str(worker).encode())
            time.sleep(seconds if worker else 60)
            os._exit(0)
    return child, int(os.read(reader, 20))


def test_a_process_that_ends_soon_is_waited_for(tmp_path, capsys):
    child, worker = hold_in_child(tmp_path, 0.5)
    try:
        with lock_run_dir(tmp_path):
            assert capsys.readouterr().out.startswith("Waiting: ")
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(child, 0)


def test_a_killed_process_frees_its_folder_though_its_workers_live(tmp_path, capsys):
    child, worker = hold_in_child(tmp_path, 60)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    try:
        with lock_run_dir(tmp_path):
            os.kill(worker, 0)
            assert not capsys.readouterr().out
    finally:
        os.kill(worker, signal.SIGKILL)


def test_a_folder_that_disappears_is_named(tmp_path):
    def vanish_within(folder):
        with lock_run_dir(folder):
            shutil.rmtree(folder)
            (folder / "checkpoints").mkdir(parents=True)  # as whoever writes a file does
            raise OSError("no such file")

    with pytest.raises(FileNotFoundError, match=r"the run's folder .*gone has disappeared"):
        vanish_within(tmp_path / "gone")


def test_an_error_of_the_run_stays_what_it_is(tmp_path):
    with pytest.raises(KeyError, match="mine"), lock_run_dir(tmp_path):
        raise KeyError("mine")
