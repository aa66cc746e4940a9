"""What users of Lightning and Hydra type elsewhere works here, as typed."""

import os
import re
import subprocess
import sys

import pytest
import torch
from hydra import compose, initialize_config_dir

from farfill.checkpoint import read_checkpoint
from farfill.config.paths import conf_dir, script
from farfill.rundir.status import read_status
from helpers.command import SCRIPTS, command
from helpers.runs import TINY, compose_tiny, tiny_train


def steps_of(folder):
    return read_checkpoint(folder / "checkpoints" / "last.ckpt")["global_step"]


def test_the_page_is_one_page():
    assert len(script("train").read_text().splitlines()) <= 80


@pytest.mark.parametrize("trainer", ["default", "cpu", "gpu", "mps", "ddp", "ddp_sim"])
def test_every_trainer_composes(trainer):
    cfg = compose_tiny(f"trainer={trainer}")
    assert cfg.trainer._target_ == "lightning.pytorch.Trainer"


@pytest.mark.parametrize(
    ("options", "steps"),
    [
        (("trainer.max_epochs=3", "data.batch_size=1"), 4),  # max_steps comes first
        (("trainer.max_epochs=2", "trainer.max_steps=-1", "schedule=constant"), 4),
        (("trainer.limit_train_batches=1", "trainer.limit_val_batches=1"), 4),
        (("trainer.overfit_batches=1",), 4),
        (("trainer.detect_anomaly=true", "trainer.deterministic=true"), 4),
        (
            (
                "callbacks=[default,early_stopping]",
                "learning_rate=0",
                "callbacks.early_stopping.patience=1",
            ),
            4,
        ),
    ],
)
def test_flags_of_the_trainer(options, steps, tmp_path):
    tiny_train(tmp_path, *options, "baseline=[]", "batch_size=2")
    assert steps_of(tmp_path) == steps
    assert read_status(tmp_path)["state"] == "done"


def weights_after(folder, *options):
    """Those that a tiny run saves last."""
    tiny_train(folder, *options, "baseline=[]")
    return read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]


def test_epochs_see_the_same_pictures_as_one_long_run(tmp_path):
    whole = weights_after(tmp_path / "whole")
    epochs = weights_after(tmp_path / "epochs", "trainer.max_epochs=99")
    assert all(torch.equal(whole[name], epochs[name]) for name in whole)


def test_a_moving_average_of_the_weights_is_what_is_saved(tmp_path):
    plain = weights_after(tmp_path / "plain")
    ema = weights_after(tmp_path / "ema", "callbacks=[default,ema]")
    assert plain.keys() == ema.keys()
    assert any(not torch.equal(plain[name], ema[name]) for name in plain)


@pytest.mark.parametrize("debug", ["fdr", "overfit"])
def test_debugging(debug, tmp_path):
    more = ["trainer.max_steps=4"] if debug == "overfit" else []
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        cfg = compose("train", [f"debug={debug}", *more])
    assert cfg.task_name == "debug"
    options = ["trainer.val_check_interval=1"] if debug == "overfit" else []
    tiny_train(tmp_path, f"debug={debug}", *more, *options, "baseline=[]")
    assert (tmp_path / "checkpoints").is_dir() == (debug == "overfit")
    assert read_status(tmp_path)["state"] == "done"


def test_the_installed_command_is_the_page(tmp_path):
    code = "from farfill.cli.train import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "--help"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0
    assert "attention:" in done.stdout


def test_a_typo_beside_a_list_of_an_ablation_is_what_is_refused(tmp_path):
    given = ["ablation=attention", "seed=1,2", "batch_sise=3"]
    assert command("train", tmp_path, *given) == (
        2,
        "",
        "farfill: there is no setting batch_sise: did you mean batch_size?\n",
    )


@pytest.mark.slow
def test_the_log_holds_what_was_said_and_nothing_is_said_that_nobody_can_act_on(tmp_path):
    """Of a run, of one that goes on, and of one that is refused; wandb and warnings included."""
    given = [*TINY, "logger=wandb", "trainer.enable_model_summary=true", "hydra.run.dir=run"]
    given.append("trainer.precision=bf16-mixed")
    longer = ["trainer.max_steps=6", "ckpt_path=last"]
    for more, expected in (([], 0), (longer, 0), (longer, 2)):
        code, out, err = command("train", tmp_path, *given, *more)
        assert code == expected, err
        assert not re.search("warn|deprecated|tip:", out + err, re.IGNORECASE)
        assert bool(err) == bool(expected)
        log = (tmp_path / "run" / "train.log").read_text()
        table = re.compile("[\u2500-\u257f]|params|Modules|FLOPs", re.IGNORECASE)
        said = [line for line in (out + err).splitlines() if not table.search(line)]
        assert len(said) > (0 if err else 20)
        assert all(line in log for line in said)
    assert "the run in" in err
    assert "is done: raise trainer.max_steps" in err


def test_the_log_holds_warnings_and_the_traceback_of_a_mistake_of_ours(tmp_path):
    code = (
        "import warnings, train\n"
        "train.train = lambda cfg: warnings.warn('the lens is dirty') or 1 / 0\n"
        "train.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "hydra.run.dir=run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SCRIPTS)},
    )
    assert done.returncode == 1
    assert done.stderr.count("ZeroDivisionError") == 1
    log = (tmp_path / "run" / "train.log").read_text()
    assert "the lens is dirty" in log
    assert log.count("ZeroDivisionError: division by zero") == 1
