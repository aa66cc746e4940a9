"""Sweeps on a real SLURM: undisturbed, with a run that fails, and with runs taken away."""

import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import helpers.command
from farfill.rundir.status import read_status
from helpers.children import assert_same_run
from helpers.command import SCRIPTS
from helpers.runs import TINY
from helpers.slurm import absent, cluster

LENGTH = [
    "trainer.max_steps=150",
    "trainer.val_check_interval=50",
    "callbacks.last_checkpoint.every_n_train_steps=10",
]
RUN = [*TINY, "baseline=[]", *LENGTH]
JOB = {"gpus_per_node": 0, "cpus_per_task": 1, "mem_gb": 2}
SETTINGS = [
    *(f"hydra.launcher.{key}={value}" for key, value in JOB.items()),
    "hydra.sweep.dir=sweep",
]
NODE = ["hydra/launcher=slurm", *SETTINGS]
PAIR = ["hydra/launcher=slurm_ddp", "hydra.launcher.tasks_per_node=2", *SETTINGS]
TWO_PROCESSES = ["trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu"]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(absent()), reason=absent() or "it is here"),
]


@pytest.fixture(scope="module")
def environment():
    """Of every process that uses the cluster."""
    with cluster() as added:
        yield {**os.environ, **added, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def command(environment, tmp_path):
    """Runs a script as a user would, in a folder of its own."""

    return lambda script, *arguments: helpers.command.command(
        script, tmp_path, *arguments, timeout=300, **environment
    )


@contextmanager
def launched(environment, folder, *arguments):
    """A training that goes on beside the test; it is killed in the end."""
    with (folder / "launcher.txt").open("w") as output:
        start = [sys.executable, str(SCRIPTS / "train.py"), *arguments]
        pipes = {"stdout": output, "stderr": output}
        launcher = subprocess.Popen(start, cwd=folder, env=environment, **pipes)
    try:
        yield launcher
    finally:
        launcher.kill()
        launcher.wait()


def test_every_run_is_a_job(command, tmp_path):
    status, _, err = command("train", "-m", *TINY, *NODE, "baseline=[]", "seed=1,2")
    assert status == 0, err
    said = [read_status(tmp_path / "sweep" / number) for number in "01"]
    assert [one["state"] for one in said] == ["done", "done"]
    assert [re.fullmatch(r"\d+_(\d)", one["job"])[1] for one in said] == ["0", "1"]
    assert command("sweep", "missing", "sweep")[:2] == (0, "")
    _, out, _ = command("sweep", "status", "sweep")
    assert out.count(" done 4/4 ") == 2
    assert out.endswith("2 runs: 2 done\n")


def test_a_failure_on_a_node_is_seen(command, tmp_path):
    status, _, _ = command("train", "-m", *TINY, *NODE, "baseline=[]", "attention.rate=0,2")
    assert status != 0
    failed, sound = (tmp_path / "sweep" / number for number in "01")
    assert read_status(failed)["state"] == "failed"
    assert "`rate`" in read_status(failed)["message"]
    assert (failed / "traceback.txt").read_text().startswith("Traceback")
    assert read_status(sound)["state"] == "done"
    status, out, _ = command("sweep", "missing", "sweep")
    assert status == 1
    assert out.count("\n") == out.count("attention.rate=0") == 1
    assert command("sweep", "rerun", "sweep")[0] == 1  # it fails again, and says so


def test_the_tasks_of_a_job_are_the_processes_of_a_run(command, tmp_path):
    two = [*TINY, "baseline=[]", "batch_size=4", *TWO_PROCESSES]
    status, _, err = command("train", "-m", *two, *PAIR)
    assert status == 0, err
    assert read_status(tmp_path / "sweep" / "0")["job"]
    status, _, err = command("train", *two, "hydra.run.dir=here")
    assert status == 0, err
    assert_same_run(tmp_path / "sweep" / "0", tmp_path / "here")


def test_a_run_of_several_tasks_that_is_preempted_ends_as_if_nothing_had_been(
    command, environment, tmp_path
):
    pair = [*RUN, *TWO_PROCESSES, "trainer.max_steps=60", *PAIR, "seed=1"]
    status, _, err = command("train", "-m", *pair, "hydra.sweep.dir=calm")
    assert status == 0, err
    with launched(environment, tmp_path, "-m", *pair) as launcher:
        job = under_way(tmp_path / "sweep" / "0")
        slurm(environment, "scancel", "--signal=USR2", f"{job}.0")
        until(lambda: read_status(tmp_path / "sweep" / "0")["state"] == "preempted")
        assert launcher.wait(200) == 0  # it waits for the job that was queued again
    log = tmp_path / "sweep" / ".submitit" / job / f"{job}_0_log.out"
    assert "Going on after generator step" in log.read_text()
    assert_same_run(tmp_path / "sweep" / "0", tmp_path / "calm" / "0")


def test_what_is_cancelled_or_preempted_ends_as_if_nothing_had_been(command, environment, tmp_path):
    swept = ["attention.propagation=3,null", "seed=1,2"]
    sweep = tmp_path / "sweep"
    # Without accounting submitit waits for the cancelled job for ever; the others need it not.
    with launched(environment, tmp_path, "-m", *RUN, *NODE, *swept):
        cancelled, preempted = (under_way(sweep / number) for number in "01")
        assert read_status(sweep / "3")["state"] == "queued"  # two processors, two at once
        slurm(environment, "scancel", cancelled)
        # To the step: to the job as a whole scancel would send it again and again.
        slurm(environment, "scancel", "--signal=USR2", f"{preempted}.0")
        until(lambda: read_status(sweep / "1")["state"] == "preempted")
        until(lambda: cancelled not in jobs(environment))
        assert command("sweep", "status", "sweep")[1].endswith("queued, 1 lost, 1 preempted\n")
        until(lambda: not jobs(environment))
    log = sweep / ".submitit" / preempted / f"{preempted}_0_log.out"
    assert "Going on after generator step" in log.read_text()
    _, out, _ = command("sweep", "status", "sweep")
    assert out.endswith("4 runs: 3 done, 1 lost\n")
    status, out, _ = command("sweep", "missing", "sweep")
    assert (status, out.count("\n")) == (1, 1)
    assert "attention.propagation=3 seed=1 " in out

    status, out, err = command("sweep", "rerun", "sweep")
    assert status == 0, out + err
    assert "Starting 1 runs again" in out
    assert out.endswith("4 runs: 4 done\n")
    assert read_status(sweep / "0")["job"] != cancelled

    status, _, err = command("train", "-m", *RUN, *swept, "hydra.sweep.dir=calm")
    assert status == 0, err
    for number in "0123":
        assert_same_run(sweep / number, tmp_path / "calm" / number)


def under_way(run: Path) -> str:
    """Wait until a run has a checkpoint, and time to go; its job's number."""
    until((run / "checkpoints" / "last.ckpt").is_file)
    status = read_status(run)
    assert status["state"] == "running"
    return status["job"]


def jobs(environment) -> dict[str, str]:
    """Number -> state of what SLURM has."""
    lines = slurm(environment, "squeue", "--noheader", "--array", "--format=%i %T").splitlines()
    return dict(line.split() for line in lines)


def slurm(environment, *arguments: str) -> str:
    done = subprocess.run(
        arguments, capture_output=True, text=True, timeout=60, check=True, env=environment
    )
    return done.stdout


def until(condition, seconds: float = 200) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.2)
