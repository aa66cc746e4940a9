"""status.json before a sweep starts and after a run has raised; dry runs; missing plugins."""

import os
import subprocess
import sys

import pytest
from hydra import compose, initialize_config_dir
from hydra.core.utils import JobReturn, JobStatus
from omegaconf import open_dict

from farfill.config.arguments import PLUGINS, is_installed
from farfill.config.paths import conf_dir
from farfill.rundir.status import here, hours, read_status, write_status
from farfill.sweep import callback as sweep_callback
from farfill.sweep.callback import TRACEBACK, SweepStatus
from helpers.command import SCRIPTS

ENDED = {"host": "here", "process": 1, "updated": "2020-01-01T00:00:00+00:00"}


def configuration(folder, *overrides, task=("seed=1,2",)):
    places = [f"hydra.sweep.dir={folder}", f"hydra.runtime.output_dir={folder}"]
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", overrides=[*overrides, *places], return_hydra_config=True)
    with open_dict(cfg):
        cfg.hydra.overrides.task = list(task)
    return cfg


def test_a_sweep_that_starts_has_queued_all_but_what_is_done_or_under_way(tmp_path):
    write_status(tmp_path / "0", "done", value=0.5)
    write_status(tmp_path / "1", "running", **here())
    write_status(tmp_path / "2", "running", **ENDED)
    write_status(tmp_path / "3", "failed", message="the disk is full")
    (tmp_path / "3" / TRACEBACK).touch()
    write_status(tmp_path / "5", "collapsed", step=400, steps=1000)
    SweepStatus().on_multirun_start(configuration(tmp_path, task=["seed=1,2,3,4,5,6"]))
    said = [read_status(tmp_path / number) for number in "012345"]
    states = ["done", "running", "queued", "queued", "queued", "collapsed"]
    assert [one["state"] for one in said] == states
    assert said[4]["process"] == os.getpid()
    assert "message" not in said[3]
    assert not (tmp_path / "3" / TRACEBACK).exists()


def returned(status: JobStatus, value: object) -> JobReturn:
    job = JobReturn(status=status)
    job.return_value = value
    return job


def raised(error: Exception) -> JobReturn:
    try:
        raise error
    except type(error) as caught:
        return returned(JobStatus.FAILED, caught)


def fail(folder, error):
    SweepStatus().on_job_end(configuration(folder), raised(error))
    return read_status(folder)


def test_a_run_that_raised_has_failed_and_leaves_its_traceback(tmp_path, capsys):
    write_status(tmp_path, "queued", **ENDED)
    status = fail(tmp_path, RuntimeError("out of\nmemory"))
    assert status["state"] == "failed"
    assert status["message"] == "RuntimeError: out of memory"
    assert status["process"] == os.getpid()
    text = (tmp_path / TRACEBACK).read_text()
    assert "in raised" in text
    assert text.endswith("RuntimeError: out of\nmemory\n")
    assert not capsys.readouterr().err  # Hydra has its own words for the end of the sweep


def test_a_run_that_ended_well_is_left_alone(tmp_path):
    SweepStatus().on_job_end(configuration(tmp_path), returned(JobStatus.COMPLETED, 0.1))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("state", ["done", "collapsed", "diverged", "preempted"])
def test_what_a_run_said_of_its_end_stays(tmp_path, state):
    write_status(tmp_path, state, **here())
    assert fail(tmp_path, ValueError("no"))["state"] == state


@pytest.mark.parametrize(
    ("state", "now"),
    [("done", "done"), ("collapsed", "collapsed"), ("diverged", "failed"), ("preempted", "failed")],
)
def test_what_an_earlier_process_said_of_its_end_is_not_why_this_one_failed(tmp_path, state, now):
    """Results stay; a job that is queued again and refused leaves its reason."""
    hour = {"started": "2020-01-01T00:00:00+00:00", "ended": "2020-01-01T01:00:00+00:00"}
    write_status(tmp_path, state, **ENDED, **hour)
    said = fail(tmp_path, ValueError("the pictures are not those"))
    assert (said["state"], hours(said)) == (now, 1)


def test_another_process_keeps_its_folder(tmp_path):
    other = {"host": here()["host"], "process": os.getppid()}
    write_status(tmp_path, "running", **other)
    assert fail(tmp_path, ValueError("another process is writing"))["state"] == "running"
    assert not (tmp_path / TRACEBACK).exists()


def test_a_job_that_was_queued_again_and_failed_says_so(tmp_path, monkeypatch):
    monkeypatch.setenv("SLURM_JOB_ID", "12")
    write_status(tmp_path, "running", job="12", host="node3", process=1)
    assert fail(tmp_path, ValueError("no"))["state"] == "failed"


@pytest.mark.parametrize("choice", PLUGINS)
def test_a_missing_plugin_is_one_sentence(tmp_path, choice):
    """In a process that cannot import any."""
    lacking = (
        "import sys, importlib.util as util; find = util.find_spec;"
        "util.find_spec = lambda n: None if n.startswith('hydra_plugins.') else find(n);"
        f"sys.argv[1:] = ['-m', '{choice}'];"
        f"import runpy; runpy.run_path({str(SCRIPTS / 'train.py')!r}, run_name='__main__')"
    )
    command = [sys.executable, "-c", lacking]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    extra = "optuna" if "optuna" in PLUGINS[choice][0] else "cluster"
    assert done.stderr == (
        f"farfill: {choice} needs a package that is not installed: pip install 'farfill[{extra}]'\n"
    )
    assert done.returncode == 2


def test_slurm_jobs_need_a_cluster_and_tasks_that_know_of_each_other(tmp_path, capsys, monkeypatch):
    if not is_installed("hydra_submitit_launcher"):
        pytest.skip("no submitit: pip install 'farfill[cluster]'")
    with pytest.raises(SystemExit):
        SweepStatus().on_multirun_start(configuration(tmp_path, "hydra/launcher=slurm_ddp"))
    assert "give trainer=ddp" in capsys.readouterr().err
    ddp = configuration(tmp_path, "hydra/launcher=slurm_ddp", "trainer=ddp")
    monkeypatch.setattr(sweep_callback, "slurm_queue", lambda: None)
    with pytest.raises(SystemExit):
        SweepStatus().on_multirun_start(ddp)
    assert "needs SLURM, but squeue is not here" in capsys.readouterr().err
    assert not read_status(tmp_path / "1")
    monkeypatch.setattr(sweep_callback, "slurm_queue", frozenset)
    SweepStatus().on_multirun_start(ddp)
    assert read_status(tmp_path / "1")["state"] == "queued"
    assert ddp.hydra.launcher.tasks_per_node == ddp.hydra.launcher.gpus_per_node == 4


def test_an_error_nobody_foresaw_ends_the_process_instead_of_starting_the_sweep(
    tmp_path, monkeypatch, capsys
):
    def broken(*_):
        raise RuntimeError("broken")

    monkeypatch.setattr("farfill.sweep.dry_run.dry_run", broken)
    cfg = configuration(tmp_path, "sweep.dry_run=true")
    for start in (SweepStatus().on_run_start, SweepStatus().on_multirun_start):
        with pytest.raises(SystemExit) as ended:
            start(cfg)
        assert ended.value.code == 1
        assert "RuntimeError: broken" in capsys.readouterr().err


def test_a_search_needs_trials(tmp_path, capsys):
    if not is_installed("hydra_optuna_sweeper"):
        pytest.skip("no optuna: pip install 'farfill[optuna]'")
    search = configuration(tmp_path, "hparams_search=loss_weights", "hydra.sweeper.n_trials=0")
    with pytest.raises(SystemExit):
        SweepStatus().on_multirun_start(search)
    assert "n_trials` from 1, got 0" in capsys.readouterr().err


@pytest.mark.parametrize("task", ["+sed=1,2", "sed=1,2", "+learnin_rate=1,2"])
def test_a_key_that_is_no_setting_ends_a_sweep_before_it_starts(tmp_path, capsys, task):
    with pytest.raises(SystemExit) as end:
        SweepStatus().on_multirun_start(configuration(tmp_path / "sweep", task=[task]))
    assert end.value.code == 2
    assert "did you mean" in capsys.readouterr().err
    assert not (tmp_path / "sweep").exists()
