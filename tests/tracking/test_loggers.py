"""What a training tells its loggers: a stand-in for wandb, and once the real one, offline."""

import csv
import os
import shutil
import sys

import numpy as np
import pytest
import wandb
from hydra.utils import instantiate
from lightning import LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger, WandbLogger
from omegaconf import OmegaConf
from torch import nn

from farfill.config.paths import conf_dir
from farfill.metric.suite import NAMES
from farfill.rundir.record import AXIS
from farfill.rundir.status import read_status
from farfill.tracking.loggers import finished, log_hyperparameters, swaps
from farfill.tracking.metrics_csv import ResumableCSVLogger
from helpers.runs import compose_tiny, tiny_train
from helpers.wandb_runs import record_wandb


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folder and recorded run of one training."""
    folder = tmp_path_factory.mktemp("run")
    with pytest.MonkeyPatch.context() as patch:
        runs = record_wandb(patch)
        tiny_train(folder, "logger=wandb", "logger.wandb.tags=[a]", "gan=hinge")
    (run,) = runs
    return folder, run


def test_every_metric_stands_at_its_generator_step(trained):
    """metrics.csv is what was logged; wandb has the same values at the same steps."""
    folder, run = trained
    with (folder / "metrics.csv").open(newline="") as lines:
        logged = [
            (name, float(row["step"]), float(text))
            for row in csv.DictReader(lines)
            for name, text in row.items()
            if text and name not in ("step", "epoch")
        ]
    names = {name for name, _, _ in logged}
    assert {f"val/{name}" for name in NAMES} < names
    assert {"train/generator/total", "train/critic/total", "val/attention_distance"} < names
    for name in names:
        expected = np.array([(step, value) for one, step, value in logged if one == name])
        found = np.array([(row[AXIS], row[name]) for row in run.rows if name in row])
        np.testing.assert_array_equal(found, expected, err_msg=name)


def test_the_pictures_are_shown_one_by_one_and_the_last_ones_as_a_table(trained):
    _, run = trained
    shown = {row[AXIS]: row["val/pictures"] for row in run.rows if "val/pictures" in row}
    assert shown.keys() == {2, 4}
    assert [image.format for image in shown[4]] == ["png"] * 25  # five of each of five pictures
    (row,) = [row for row in run.rows if "val/examples" in row]
    assert row[AXIS] == 4
    table = row["val/examples"]
    assert table.columns[:4] == ["generator_step", "picture", "original", "masked"]
    names = ["brick.png", "chelsea.png", "china.jpg", "coffee.png", "coins.png"]
    assert [cells[:2] for cells in table.data] == [[4, f"{n} {x}"] for n, x in enumerate(names)]


def test_the_baselines_numbers_stand_beside_the_runs(trained):
    folder, run = trained
    (row,) = [row for row in run.rows if "report/scores" in row]
    with (folder / "report" / "table.csv").open(newline="") as lines:
        ours, telea, _ = csv.DictReader(lines)
    assert row["report/this_run/l1_hole"] == float(ours["l1_hole"])
    assert row["report/telea/psnr_full"] == float(telea["psnr_full"])
    assert row["report/scores"].columns == [*ours]
    assert row["report/scores"].data[1] == [
        telea["filler"],
        float(telea["n"]),
        *(x if x == telea["manifest"] else float(x) for x in list(telea.values())[2:]),
    ]
    assert row["objective"] == read_status(folder)["value"]
    assert row[AXIS] == 4


def test_learning_rates_and_norms_of_gradients_are_logged_everywhere(trained):
    folder, run = trained
    names = {"lr-Adam", "lr-Adam-1", "train/grad_norm/generator", "train/grad_norm/critic"}
    with (folder / "metrics.csv").open(newline="") as lines:
        assert names < {*next(csv.reader(lines))}
    assert names < {name for row in run.rows for name in row}


def test_the_configuration_and_the_choices_are_told(trained):
    _, run = trained
    assert run.config["image_size"] == 32
    assert run.config["attention"]["softmax_scale"] == 10.0
    assert run.config["swap"]["loss"] == "discounted_l1+known_l1"
    assert {"a", "loss=discounted_l1", "loss=known_l1"} == set(run.tags)


def test_a_run_that_goes_on_keeps_its_id(trained, tmp_path, monkeypatch):
    folder, run = trained
    assert run.options["id"] is None
    longer = shutil.copytree(folder, tmp_path / "longer")
    runs = record_wandb(monkeypatch)
    tiny_train(longer, "logger=wandb", "gan=hinge", "trainer.max_steps=5", "baseline=[]")
    assert runs[0].options["id"] == read_status(longer)["wandb"] == "new"
    assert {row[AXIS] for row in runs[0].rows if "lr-Adam" not in row} == {5}
    assert run.exit_code == runs[0].exit_code == 0


def test_a_failed_run_is_marked_so(tmp_path, monkeypatch):
    runs = record_wandb(monkeypatch)

    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("farfill.callback.pictures.write_picture", fail)
    with pytest.raises(OSError, match="disk full"):
        tiny_train(tmp_path, "logger=wandb")
    assert runs[0].exit_code == 1


def test_the_real_wandb_keeps_everything_in_the_runs_folder(tmp_path, monkeypatch):
    """Offline, without Lightning's WANDB_MODE=dryrun left behind for the next run of a sweep."""
    monkeypatch.delenv("WANDB_MODE")
    for number in ("0", "1"):
        run = tmp_path / number
        short = ("baseline=[]", "trainer.max_steps=1", f"logger.wandb.log_model={number == '1'}")
        tiny_train(run, "logger=wandb", "logger.wandb.offline=true", *short)
        wandb.teardown()  # A finished run's last records are written after `finish` has returned.
        name = read_status(run)["wandb"]
        (records,) = run.glob("wandb/offline-run-*/*.wandb")
        assert records.name == f"run-{name}.wandb"
        assert b"val/examples" in records.read_bytes()
        tables = [path for path in run.rglob("*.table.json") if "staging" not in path.parts]
        assert {path.parent.name for path in tables} == {"val", "report"}
        assert list(run.glob("wandb/artifacts/staging/*"))
        # The best checkpoint is an artifact where that was asked for, byte for byte.
        best = (run / "checkpoints" / "best.ckpt").read_bytes()
        kept = [path.read_bytes() == best for path in run.glob("wandb/artifacts/staging/*")]
        assert any(kept) == (number == "1")
        assert (f"model-{name}".encode() in records.read_bytes()) == (number == "1")
    assert read_status(tmp_path / "0")["wandb"] != read_status(tmp_path / "1")["wandb"]
    assert wandb.run is None
    assert not {"WANDB_MODE", "WANDB_DATA_DIR"} & os.environ.keys()


def made(tmp_path, *overrides):
    cfg = compose_tiny(f"paths.output_dir={tmp_path}", *overrides)
    return {name: instantiate(node) for name, node in cfg.logger.items()}


@pytest.mark.parametrize("option", ["csv", "none", "wandb", "tensorboard", "many_loggers"])
def test_metrics_csv_is_always_written(tmp_path, monkeypatch, option):
    record_wandb(monkeypatch)
    loggers = made(tmp_path, f"logger={option}")
    kinds = {"csv": ResumableCSVLogger, "wandb": WandbLogger, "tensorboard": TensorBoardLogger}
    assert all(type(logger) is kinds[name] for name, logger in loggers.items())
    others = {"many_loggers": {"wandb", "tensorboard"}, "none": set()}.get(option, {option})
    assert loggers.keys() == {"csv"} | others
    assert all(logger.save_dir.startswith(str(tmp_path)) for logger in loggers.values())


def test_the_tensorboard_of_many_loggers_is_that_of_its_own_option():
    group = conf_dir() / "logger"
    many, alone = (OmegaConf.load(group / f"{x}.yaml") for x in ("many_loggers", "tensorboard"))
    assert many.tensorboard == alone.tensorboard


def test_without_tensorboard_one_sentence_says_so(tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise ModuleNotFoundError("Neither `tensorboard` nor `tensorboardX` is available.")

    monkeypatch.setattr(TensorBoardLogger, "__init__", refuse)
    with pytest.raises(Exception, match="tensorboard") as error:
        made(tmp_path, "logger=tensorboard")
    assert isinstance(error.value.__cause__, ValueError)
    assert "pip install 'farfill[tensorboard]'" in str(error.value.__cause__)


def test_all_loggers_get_the_numbers_of_parameters(tmp_path):
    class Module(LightningModule):
        def __init__(self):
            super().__init__()
            self.learns, self.frozen = nn.Linear(3, 1), nn.Linear(2, 1).requires_grad_(False)

    told = []

    class Logger(ResumableCSVLogger):
        def log_hyperparams(self, values):
            told.append(values)

    trainer = Trainer(logger=[Logger(tmp_path), Logger(tmp_path)], accelerator="cpu")
    cfg = compose_tiny(f"paths.output_dir={tmp_path}")
    log_hyperparameters(cfg, Module(), trainer)
    for values in told:
        names = [f"model/params/{name}" for name in ("total", "trainable", "non_trainable")]
        assert [values[name] for name in names] == [7, 4, 3]
    assert len(told) == 2


@pytest.mark.parametrize("error", [wandb.Error("no such project"), wandb.errors.CommError("x")])
def test_an_error_of_wandb_is_one_sentence(error):
    with pytest.raises(ValueError, match=r"^wandb: .*; logger=csv or"), finished([]):
        raise error


def test_other_errors_pass_and_wandb_is_not_imported_for_them(monkeypatch):
    monkeypatch.delitem(sys.modules, "wandb")
    with pytest.raises(KeyError, match="mine"), finished([]):
        raise KeyError("mine")
    assert "wandb" not in sys.modules


def test_swaps_are_the_choices_that_matter(monkeypatch):
    choices = {"gan": "hinge", "attention": "stn", "model": None, "hydra/sweeper": "basic"}
    monkeypatch.setattr("farfill.tracking.loggers.hydra_choices", lambda: choices)
    assert swaps(compose_tiny("loss=[hole_l2,style]")) == {
        "attention": "stn",
        "gan": "hinge",
        "loss": "hole_l2+style",
    }
    assert swaps(compose_tiny("generator=glcic"))["attention"] == "none"
