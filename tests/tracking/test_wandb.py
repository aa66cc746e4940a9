"""How a run is called in Weights & Biases, and in which mode it starts; a stand-in starts."""

from types import SimpleNamespace

import pytest
import wandb
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.utilities.rank_zero import rank_zero_only

from farfill.rundir.status import read_status
from farfill.tracking import wandb as tracking
from farfill.tracking.wandb import run_name, sweep_line, wandb_logger
from helpers.sweeps import write_plan
from helpers.wandb_runs import record_wandb

CHOICES = {"attention": "stn", "gan": "hinge"}


@pytest.mark.parametrize(
    ("overrides", "sweep", "name"),
    [
        ([], [], "stn hinge seed=3"),
        (["gan=hinge", "seed=3", "logger.wandb.tags=[a]"], [], "gan=hinge, seed=3"),
        (
            ["trainer.log_every_n_steps=5", "+data.root=/a/b"],
            [],
            "log_every_n_steps=5, root=b, seed=3",
        ),
        (["a.weight=1", "b.weight=2"], [], "a.weight=1, b.weight=2, seed=3"),
        (["loss=[hole_l2, style]"], [], "loss=[hole_l2,style], seed=3"),
        (["ckpt_path=last.ckpt", "hydra/launcher=joblib"], [], "stn hinge seed=3"),
        (
            ["gan=hinge", "batch_size=4", "loss=[a,b]", "seed=3"],
            ["gan=hinge,lsgan", "seed=3,4", "batch_size=4", "loss=[a, b]"],
            "gan=hinge, seed=3",
        ),
        (["seed=3"], ["seed=3,4"], "stn hinge seed=3"),
        (["learning_rate=0.1"], ["learning_rate=interval(0,1)"], "learning_rate=0.1, seed=3"),
    ],
)
def test_a_name_is_what_tells_the_run_apart(overrides, sweep, name):
    assert run_name(overrides, sweep, CHOICES, 3) == name


def test_a_name_is_never_longer_than_wandb_takes():
    name = run_name([f"key{n}=value" for n in range(50)], [], {}, 3)
    assert len(name) == 128
    assert name.endswith(", seed=3")


@pytest.fixture
def runs(monkeypatch):
    log_in(monkeypatch, False)
    return record_wandb(monkeypatch)


@pytest.fixture
def command(monkeypatch):
    """As in a run of ``gan=hinge seed=1 batch_size=4``."""
    hydra = SimpleNamespace(overrides=SimpleNamespace(task=["gan=hinge", "seed=1", "batch_size=4"]))
    found = SimpleNamespace(initialized=lambda: True, get=lambda: hydra)
    monkeypatch.setattr(tracking, "HydraConfig", found)
    monkeypatch.setattr(tracking, "hydra_choices", lambda: {**CHOICES, "ablation": "gan"})


def log_in(monkeypatch, answer):
    def login(prompt):
        assert prompt is False  # never a question
        return answer

    monkeypatch.setattr(wandb, "login", login)


def test_a_sweep_is_a_group(tmp_path, runs, command):
    sweep = tmp_path / "2026-01-31" / "12-00-00-gan"
    write_plan(sweep, {"gan": "hinge,lsgan", "seed": "1,2"}, "batch_size=4", "x=${y}")
    wandb_logger(sweep / "0", 1)
    wandb_logger(tmp_path / "run", 1)
    named = [tuple(run.options[x] for x in ("name", "group", "job_type")) for run in runs]
    assert named == [
        ("gan=hinge, seed=1", "2026-01-31_12-00-00-gan", "gan"),
        ("gan=hinge, batch_size=4, seed=1", None, "gan"),
    ]
    assert sweep_line(tmp_path / "none.yaml") == []


def test_what_the_user_says_wins(tmp_path, runs, monkeypatch, command):
    for variable in ("WANDB_NAME", "WANDB_RUN_GROUP", "WANDB_JOB_TYPE", "WANDB_TAGS"):
        monkeypatch.setenv(variable, "mine")
    wandb_logger(tmp_path, 1)
    wandb_logger(tmp_path, 1, name="n", group="g", job_type="j", tags=["t"], id="i", notes="x")
    keys = ("name", "group", "job_type", "tags")
    environment, arguments = (tuple(run.options[key] for key in keys) for run in runs)
    assert environment == (None,) * 4  # wandb reads its variables itself
    assert arguments == ("n", "g", "j", ["t"])
    assert (runs[1].id, runs[1].options["notes"]) == ("i", "x")


@pytest.mark.parametrize(
    ("said", "variable", "logged_in", "mode"),
    [
        ({}, None, False, "offline"),
        ({}, None, True, "online"),
        ({}, "offline", True, "offline"),
        ({}, "dryrun", True, "dryrun"),
        ({}, "online", True, "online"),
        ({}, "disabled", True, "disabled"),
        ({"mode": "online"}, "offline", True, "online"),
        ({"mode": "disabled"}, "online", True, "disabled"),
        ({"offline": True}, "online", True, "offline"),
        ({"offline": False}, "offline", True, "online"),
    ],
)
def test_offline_unless_logged_in(monkeypatch, tmp_path, runs, said, variable, logged_in, mode):
    log_in(monkeypatch, logged_in)
    monkeypatch.setattr(wandb, "setup", lambda: settings("online"))
    monkeypatch.delenv("WANDB_MODE")
    if variable:
        monkeypatch.setenv("WANDB_MODE", variable)
    wandb_logger(tmp_path, 1, **said)
    assert runs[0].options["mode"] == mode


def settings(mode):
    return SimpleNamespace(settings=SimpleNamespace(mode=mode))


@pytest.mark.parametrize("mode", ["offline", "disabled"])
def test_what_was_said_of_the_folder_holds(monkeypatch, tmp_path, runs, mode):
    """``wandb offline`` and ``wandb disabled`` write into wandb/settings."""
    monkeypatch.delenv("WANDB_MODE")
    monkeypatch.setattr(wandb, "setup", lambda: settings(mode))
    wandb_logger(tmp_path, 1)
    assert runs[0].options["mode"] == mode


def test_online_without_a_login_is_refused_instead_of_asked_for(tmp_path, runs):
    with pytest.raises(ValueError, match=r"nobody is logged in: run `wandb login`.*offline"):
        wandb_logger(tmp_path, 1, mode="online")
    assert not runs


def test_an_option_that_wandb_has_not_is_refused_with_the_nearest(tmp_path, runs):
    with pytest.raises(ValueError, match=r"`logger\.wandb` has no option note: did you mean notes"):
        wandb_logger(tmp_path, 1, note="x")
    assert not runs


@pytest.mark.parametrize("option", ["dir", "resume", "settings"])
def test_an_option_that_would_be_said_twice_is_refused(tmp_path, runs, option):
    with pytest.raises(ValueError, match=f"`logger\\.wandb` has no option {option}:"):
        wandb_logger(tmp_path, 1, **{option: "x"})
    assert not runs


def test_an_unknown_mode_is_refused(tmp_path, runs):
    with pytest.raises(ValueError, match=r"logger\.wandb\.mode.*got on"):
        wandb_logger(tmp_path, 1, mode="on")


def test_wandbs_refusal_is_one_sentence(tmp_path, monkeypatch):
    def refuse(**_):
        raise wandb.errors.UsageError("Invalid project name 'a/b'")

    monkeypatch.setattr(wandb, "init", refuse)
    with pytest.raises(ValueError, match=r"^wandb: Invalid project name 'a/b'; logger=csv or"):
        wandb_logger(tmp_path, 1, project="a/b")


def test_disabled_is_a_logger_that_the_trainer_takes_and_no_files(tmp_path):
    logger = wandb_logger(tmp_path, 1, mode="disabled")
    logger.log_metrics({"a": 1.0}, 1)
    logger.log_hyperparams({"a": 1})
    assert isinstance(logger, WandbLogger)
    logger.experiment.finish(exit_code=0)
    assert not list(tmp_path.iterdir())
    assert wandb.run is None


def test_only_the_first_process_starts_a_run(tmp_path, runs, monkeypatch):
    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = wandb_logger(tmp_path, 1)
    logger.experiment.log({"a": 1})  # goes nowhere
    assert not runs
    assert not read_status(tmp_path)


def test_a_run_that_failed_early_is_ended_first(tmp_path, runs, monkeypatch):
    ended = []
    monkeypatch.setattr(wandb, "run", object())
    monkeypatch.setattr(wandb, "finish", lambda exit_code: ended.append(exit_code))
    wandb_logger(tmp_path, 1)
    assert (ended, len(runs)) == ([1], 1)


def test_everything_is_plotted_against_generator_steps_with_best_and_last(tmp_path, runs):
    wandb_logger(tmp_path, 1)
    defined = runs[0].metrics
    assert defined["*"] == {"step_metric": "trainer/global_step", "step_sync": True}
    assert defined["val/l1_hole"]["summary"] == "min,last"
    assert defined["val/psnr_full"]["summary"] == "max,last"
    assert "val/tv_isotropic_hole" not in defined  # neither direction is better
