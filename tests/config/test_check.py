"""What is refused before anything is made or written."""

import pytest
from lightning.pytorch.accelerators import CUDAAccelerator, MPSAccelerator

from farfill.checkpoint import read_checkpoint
from farfill.config.check import check_config
from helpers.runs import compose_tiny, tiny_train


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=1.5", "`seed` to be a whole number from 0, got 1.5"),
        ("seed=-1", "`seed`"),
        ("batch_size=0", "`batch_size` to be a whole number from 1"),
        ("batch_size=abc", "`batch_size`"),
        ("image_size=33", "multiple of 4, got 33"),
        ("learning_rate=abc", "`learning_rate` to be a number from 0, got abc"),
        ("learning_rate=-1", "`learning_rate`"),
        ("critic_steps=-1", "`critic_steps`"),
        ("callbacks.pictures.count=abc", "`callbacks.pictures.count`"),
        ("callbacks.last_checkpoint.every_n_train_steps=-5", "every_n_train_steps` from 0"),
        ("datamodule.val_limit=0", "`datamodule.val_limit`"),
        ("callbacks.model_checkpoint.mode=foo", "can be min, max but got foo"),
        ("mask.width=8", r"16 x 8, but the local critic sees 16 x 16: set box_size"),
        ("trainer.devices=2", "trainer=ddp takes several"),
        ("+trainer.foo=1", "`trainer` has no option foo"),
        ("trainer.accelerator=abacus", "abacus"),
        ("schedule.steps=-1", "`schedule.steps` from 1, got -1: .* or schedule=constant"),
        ("optimizer.betas=[2,0.9]", "Invalid beta parameter at index 0: 2"),
    ],
)
def test_wrong_values_are_one_sentence_and_nothing_is_written(tmp_path, override, words):
    with pytest.raises(ValueError, match=words):
        tiny_train(tmp_path, override)
    assert not (tmp_path / "checkpoints").exists()


@pytest.mark.parametrize("trainer", ["gpu", "mps"])
def test_a_missing_device_is_refused_before_anything_is_written(trainer, monkeypatch):
    for kind in (CUDAAccelerator, MPSAccelerator):
        monkeypatch.setattr(kind, "is_available", lambda: False)
    with pytest.raises(ValueError, match=f"={trainer} cannot be used here, .* trainer=cpu works"):
        check_config(compose_tiny(f"trainer={trainer}", f"trainer.accelerator={trainer}"))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    tiny_train(folder, "trainer.max_steps=2", "baseline=[]")
    return folder


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("seed=2", r"seed \(was 1, now 2\)"),
        ("channels=4", r"generator.channels \(was 2, now 4\)"),
        ("learning_rate=0.5", "learning_rate"),
        ("schedule=constant", "schedule"),
        ("batch_size=4", "batch_size"),
        ("loss=[known_l1]", r"loss.discounted_l1.coarse \(was 1.44, now None\)"),
        ("trainer.max_steps=2", "is done: raise"),
    ],
)
def test_another_run_is_not_gone_on_with_and_nothing_changes(run, override, words):
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    last = run / "checkpoints" / "last.ckpt"
    with pytest.raises(ValueError, match=words):
        tiny_train(run, f"ckpt_path={last}", override)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_length_and_watching_may_change(run, tmp_path):
    last = run / "checkpoints" / "last.ckpt"
    tiny_train(
        tmp_path,
        f"ckpt_path={last}",
        "trainer.max_steps=3",
        "trainer.val_check_interval=3",
        "callbacks.pictures.count=1",
        "callbacks.last_checkpoint.every_n_train_steps=0",
        "baseline=[mean_colour]",
    )
    made = {path.name for path in (tmp_path / "checkpoints").iterdir()}
    assert made == {"last.ckpt", "best.ckpt"}  # the best of this folder
    assert read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] == 3


def test_a_folder_belongs_to_the_first_run_that_claims_it(tmp_path):
    (tmp_path / "config.yaml").touch()  # another process did, this very second
    with pytest.raises(ValueError, match="holds a run with other settings"):
        tiny_train(tmp_path)
    assert (tmp_path / "config.yaml").read_text() == ""


def test_a_wrong_part_says_so_without_hydras_words(tmp_path, monkeypatch, capsys):
    from farfill.errors import one_line_errors

    with pytest.raises(SystemExit) as stop:
        one_line_errors(tiny_train)(tmp_path, "loss.discounted_l1.gamma=printd")
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert error.startswith("farfill: ")
    assert "printd" in error
    assert "Error in call" not in error
    assert error.count("\n") == 1


def test_every_count_that_is_checked_exists():
    from omegaconf import OmegaConf

    from farfill.config.check import _COUNTS

    cfg = compose_tiny()
    missing = object()
    for name in _COUNTS:
        assert OmegaConf.select(cfg, name, default=missing) is not missing, name
