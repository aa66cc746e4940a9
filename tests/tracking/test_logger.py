"""Where metrics go; wandb is read back from its offline records."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
import wandb

from farfill.metric.suite import NAMES
from farfill.tracking.logger import build_loggers
from helpers.runs import compose_tiny, tiny_train
from helpers.wandb_records import history, records, started, summary


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    tiny_train(folder, "logger=wandb", "logger.tags=[a,b]", "logger.group=g", "gan=hinge")
    return folder


def test_every_metric_stands_at_its_generator_step(run):
    """metrics.csv is what was logged; wandb has the same values at the same steps."""
    with (run / "metrics.csv").open(newline="") as lines:
        logged = [
            (name, float(row["generator_step"]), float(text))
            for row in csv.DictReader(lines)
            for name, text in row.items()
            if text and name not in ("generator_step", "step", "epoch")
        ]
    rows = history(run)
    names = {name for name, _, _ in logged}
    assert {f"val/{name}" for name in NAMES} < names
    assert {"train/generator/total", "train/critic/total", "val/attention_distance"} < names
    for name in names:
        expected = np.array([(step, value) for one, step, value in logged if one == name])
        found = np.array([(row["generator_step"], row[name]) for row in rows if name in row])
        np.testing.assert_allclose(found.astype(float), expected, rtol=1e-6, err_msg=name)


def test_the_summary_holds_best_and_last(run):
    found, rows = summary(run), history(run)
    for name, best, kept in (("val/l1_hole", min, "min"), ("val/psnr_full", max, "max")):
        values = [row[name] for row in rows if name in row]
        assert len(values) == 2
        assert found[name] == {kept: best(values), "last": values[-1]}
    assert isinstance(found["val/tv_isotropic_hole"], float)  # neither direction is better


def test_metrics_are_plotted_against_generator_steps(run):
    defined = {
        (record.metric.glob_name or record.metric.name): record.metric.step_metric
        for record in records(run)
        if record.WhichOneof("record_type") == "metric"
    }
    assert defined["*"] == "generator_step"


def test_the_configuration_and_the_pictures_are_there(run):
    config = {
        update.key: json.loads(update.value_json)
        for record in records(run)
        if record.WhichOneof("record_type") == "config"
        for update in record.config.update
    }
    assert config["image_size"] == 32
    assert config["attention"]["softmax_scale"] == 10.0
    assert config["swap"]["loss"] == "discounted_l1+known_l1"
    shown = [row for row in history(run) if row.get("val/pictures/_type") == "images/separated"]
    assert [row["generator_step"] for row in shown] == [2, 4]


def test_the_pictures_are_a_table_with_all_its_files_in_the_run(run):
    """Offline, wandb would leave the files in the user's home."""
    (row,) = [row for row in history(run) if "val/examples/_type" in row]
    assert row["val/examples/_type"] == "table-file"
    assert row["generator_step"] == 4
    assert row["val/examples/nrows"] == 2  # the first batch's pictures
    files = {
        Path(content.path).suffix: Path(content.local_path)
        for record in records(run)
        if record.WhichOneof("record_type") == "artifact"
        for content in record.artifact.manifest.contents
    }
    assert all(run in path.parents for path in files.values())
    table = json.loads(files[".json"].read_text())
    assert table["columns"][:4] == ["generator_step", "picture", "original", "masked"]
    assert [cells[:2] for cells in table["data"]] == [[4, "0 chelsea.png"], [4, "1 china.jpg"]]
    shown = {cells[table["columns"].index("completed")]["sha256"] for cells in table["data"]}
    assert len(shown) == 2


def test_group_and_tags_are_kept(run):
    shown = started(run)
    assert shown.run_group == "g"
    assert {"a", "b", "loss=discounted_l1"} < set(shown.tags)


def exit_codes(folder):
    return [r.exit.exit_code for r in records(folder) if r.WhichOneof("record_type") == "exit"]


def test_a_second_run_of_the_process_is_a_run_of_its_own(run, tmp_path):
    tiny_train(tmp_path, "logger=wandb", "trainer.max_generator_steps=1")
    assert [row["generator_step"] for row in history(tmp_path)][-1] == 1
    assert exit_codes(tmp_path) == exit_codes(run) == [0]


def test_a_failed_run_is_marked_so(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("disk full")

    monkeypatch.setattr("farfill.callback.checkpoints.Checkpoints._save", fail)
    with pytest.raises(OSError, match="disk full"):
        tiny_train(tmp_path, "logger=wandb")
    assert exit_codes(tmp_path) == [1]


def test_a_sweep_stays_offline(tmp_path, monkeypatch):
    """Lightning leaves WANDB_MODE=dryrun behind for the next run of the process."""
    monkeypatch.delenv("WANDB_MODE")
    log_in(monkeypatch, False)
    for number in ("0", "1"):
        tiny_train(tmp_path / number, "logger=wandb", "trainer.max_generator_steps=1")
        assert history(tmp_path / number)


@pytest.fixture
def made(monkeypatch):
    """What the logger is asked for, without starting wandb."""
    asked = {}

    def instantiate(config, **extra):
        asked.update(extra)

    monkeypatch.setattr("farfill.tracking.logger.instantiate", instantiate)
    return asked


def log_in(monkeypatch, answer):
    def login(prompt):
        assert prompt is False  # never a question
        return answer

    monkeypatch.setattr(wandb, "login", login)


@pytest.mark.parametrize(
    ("mode", "logged_in", "offline"),
    [
        (None, False, True),
        (None, True, False),
        ("offline", True, True),
        ("dryrun", True, True),
        ("online", False, False),
    ],
)
def test_offline_unless_logged_in(monkeypatch, tmp_path, made, mode, logged_in, offline):
    log_in(monkeypatch, logged_in)
    if mode is None:
        monkeypatch.delenv("WANDB_MODE")
    else:
        monkeypatch.setenv("WANDB_MODE", mode)
    build_loggers(compose_tiny("logger=wandb"), tmp_path)
    assert made["save_dir"] == str(tmp_path)
    assert made.get("offline", False) is offline


@pytest.mark.parametrize("override", ["logger.mode=disabled", "logger.mode=null"])
def test_disabled_means_no_wandb(monkeypatch, tmp_path, made, override):
    if override == "logger.mode=null":
        monkeypatch.setenv("WANDB_MODE", "disabled")
    assert len(build_loggers(compose_tiny("logger=wandb", override), tmp_path)) == 1
    assert not made


def test_the_configuration_wins_over_the_environment(tmp_path, made):
    build_loggers(
        compose_tiny("logger=wandb", "logger.mode=online"), tmp_path
    )  # WANDB_MODE=offline
    assert "offline" not in made


def test_an_unknown_mode_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"logger\.mode.*got on"):
        build_loggers(compose_tiny("logger=wandb", "logger.mode=on"), tmp_path)
