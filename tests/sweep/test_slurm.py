"""A run that says it is under way: can it be?"""

import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from farfill.sweep import slurm
from farfill.sweep.slurm import Submission, is_alive, slurm_queue, submissions

HERE = {"host": socket.gethostname()}


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


@pytest.fixture(scope="module")
def gone():
    """Number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_process_of_this_machine_has_to_exist_however_long_it_was_silent(gone, monkeypatch):
    monkeypatch.setattr(slurm, "SILENCE_TIMEOUT_S", 0)
    assert is_alive({"state": "running", **HERE, "process": os.getpid(), "updated": ago(0)})
    assert not is_alive({"state": "running", **HERE, "process": gone, "updated": ago(0)})


def test_a_younger_process_with_the_same_number_is_another():
    assert not is_alive(
        {"state": "running", **HERE, "process": os.getpid(), "updated": ago(100_000)}
    )


def test_a_process_that_nobody_waited_for_has_ended():
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert not is_alive({"state": "running", **HERE, "process": process.pid, "updated": ago(0)})
    process.wait()


@pytest.mark.parametrize(("seconds", "alive"), [(60, True), (3700, False)])
def test_another_machine_has_to_have_spoken_within_the_hour(seconds, alive):
    status = {"state": "running", "host": "elsewhere", "process": 1, "updated": ago(seconds)}
    assert is_alive(status) is alive


def test_a_job_has_to_be_in_the_queue():
    status = {"state": "running", "host": "node3", "process": 1, "job": "12_3", "updated": ago(1)}
    assert is_alive({**status, "updated": ago(9999)}, queue={"12_3": "R"})
    assert not is_alive(status, queue={"12_2": "R"})


def test_a_job_that_runs_here_has_a_process_unless_it_was_queued_again(gone):
    status = {"state": "running", **HERE, "process": gone, "job": "12", "updated": ago(1)}
    assert not is_alive(status, queue={"12": "R"})  # the job may be a shell that stays
    assert is_alive({**status, "process": os.getpid()}, queue={"12": "R"})
    assert is_alive(status, queue={"12": "PD"})
    assert is_alive({**status, "state": "preempted"}, queue={"12": "R"})


def test_a_queued_run_lives_by_the_job_that_was_submitted_since(gone):
    status = {"state": "queued", **HERE, "process": gone, "queued": ago(100), "updated": ago(100)}
    now = datetime.now(UTC).timestamp()
    jobs = [Submission("7_0", now - 500), Submission("9_0", now - 50)]
    assert is_alive(status, jobs, {"9_0": "PD"})
    assert not is_alive(status, jobs, {"7_0": "PD"})
    assert not is_alive(status, jobs, {})


def test_a_queued_run_lives_by_who_queued_it_until_there_is_a_job():
    status = {
        "state": "queued",
        **HERE,
        "process": os.getpid(),
        "queued": ago(1),
        "updated": ago(1),
    }
    earlier = [Submission("7_0", datetime.now(UTC).timestamp() - 500)]
    assert is_alive(status, earlier, {})


def test_jobs_are_those_of_the_runs_number_in_every_array(tmp_path):
    for name in ("9", "9_0", "9_1", "9_2", "10", "10_0", "10_1", "10_2", "notes"):
        (tmp_path / ".submitit" / name).mkdir(parents=True)
    assert [job.job for job in submissions(tmp_path, 1, 3)] == ["9_1", "10_1"]


def test_a_sweep_of_one_run_is_no_array(tmp_path):
    (tmp_path / ".submitit" / "12").mkdir(parents=True)
    assert [job.job for job in submissions(tmp_path, 0, 1)] == ["12"]


def fake_squeue(folder, script, monkeypatch):
    (folder / "squeue").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "squeue").chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_the_queue_is_what_squeue_says(tmp_path, monkeypatch):
    fake_squeue(tmp_path, "echo 3 R; echo 12_1 PD", monkeypatch)
    assert slurm_queue() == {"3": "R", "12_1": "PD"}


def test_nothing_is_known_where_squeue_fails_or_is_not_there(tmp_path, monkeypatch):
    fake_squeue(tmp_path, "exit 1", monkeypatch)
    assert slurm_queue() is None
    (tmp_path / "squeue").unlink()
    assert slurm_queue() is None
