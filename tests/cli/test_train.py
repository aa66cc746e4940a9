"""Whole trainings, tiny: what they leave behind, and how they go on."""

import csv
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from farfill import load_generator
from farfill.baseline.telea import Telea
from farfill.callback.interrupt import Interrupt
from farfill.checkpoint import read_checkpoint
from farfill.cli.convert import convert
from farfill.rundir.status import read_status
from helpers.runs import RESULTS, tiny_train
from helpers.weights import ship, tiny_weights


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Four generator steps that nobody disturbed."""
    folder = tmp_path_factory.mktemp("run")
    tiny_train(folder, "callbacks.last_checkpoint.keep=true")
    return folder


def read_metrics(folder):
    with (folder / "metrics.csv").open() as file:
        return list(csv.DictReader(file))


def same_weights(one, other):
    assert one.keys() == other.keys()
    return all(torch.equal(one[name], other[name]) for name in one)


def test_everything_of_a_run_lies_in_its_folder(run):
    made = {path.relative_to(run).as_posix() for path in run.rglob("*") if path.is_file()}
    assert made == {
        "config.yaml",
        "metrics.csv",
        "status.json",
        ".lock",
        "checkpoints/last.ckpt",
        "checkpoints/best.ckpt",
        *(f"checkpoints/step-{step:07d}.ckpt" for step in (1, 2, 3, 4)),
        "pictures/step-0000002.png",
        "pictures/step-0000004.png",
        *(f"report/{name}" for name in RESULTS),
        *(
            f"report/pictures/{title}/{index}.png"
            for index in range(8)
            for title in (
                "original",
                "masked",
                "this_run",
                "borrows_from",
                "telea_classical_baseline",
                "mean_colour_classical_baseline",
            )
        ),
    }


def test_metrics_stand_at_their_generator_step(run):
    rows = read_metrics(run)
    for name, steps in (("train/generator/total", [1, 2, 3, 4]), ("val/psnr_full", [2, 4])):
        assert [int(row["step"]) for row in rows if row[name]] == steps


def test_logged_terms_add_up(run):
    for row in read_metrics(run):
        for player in ("generator", "critic"):
            terms = {k: float(v) for k, v in row.items() if k.startswith(f"train/{player}/") and v}
            if terms:
                total = terms.pop(f"train/{player}/total")
                share = terms.pop(f"train/{player}/adversarial_share", 0.5)
                assert 0 < share < 1
                assert sum(terms.values()) == pytest.approx(total, rel=1e-5)


def test_checkpoint_holds_everything_and_needs_no_pickle(run):
    checkpoint = torch.load(run / "checkpoints" / "last.ckpt", weights_only=True)
    assert checkpoint["global_step"] == 4
    assert len(checkpoint["optimizer_states"]) == 2
    assert all(state["state"] for state in checkpoint["optimizer_states"])
    assert "RandomState" in checkpoint["callbacks"]
    prefixes = {name.split(".")[0] for name in checkpoint["state_dict"]}
    assert prefixes == {"generator", "critics"}
    assert checkpoint["farfill"]["generator"]["channels"] == 2


def test_load_generator_gives_the_trained_generator(run):
    generator = load_generator(run / "checkpoints" / "last.ckpt")
    assert not generator.training
    saved = read_checkpoint(run / "checkpoints" / "last.ckpt")["state_dict"]
    expected = {
        k.removeprefix("generator."): v for k, v in saved.items() if k.startswith("generator.")
    }
    assert same_weights(generator.state_dict(), expected)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("start", ["step-0000001", "step-0000002", "step-0000003"])
def test_a_resumed_run_is_the_uncut_run(run, tmp_path, start, workers):
    """Weights of both networks and logged losses, bit for bit; step 2 has a validation."""
    tiny_train(
        tmp_path, f"ckpt_path={run}/checkpoints/{start}.ckpt", f"datamodule.workers={workers}"
    )
    ended, uncut = (
        read_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (tmp_path, run)
    )
    assert ended["global_step"] == uncut["global_step"] == 4
    assert same_weights(ended["state_dict"], uncut["state_dict"])
    losses = [
        {
            row["step"]: row["train/critic/total"]
            for row in read_metrics(folder)
            if row["train/critic/total"]
        }
        for folder in (tmp_path, run)
    ]
    assert losses[0]
    assert losses[0].items() <= losses[1].items()


def test_best_checkpoint_resumes_too(run, tmp_path):
    """It is written during validation, at another place of Lightning's loop."""
    step = read_checkpoint(run / "checkpoints" / "best.ckpt")["global_step"]
    tiny_train(tmp_path, f"ckpt_path={run}/checkpoints/best.ckpt", "trainer.max_steps=6")
    assert read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] == 6
    assert step in (2, 4)


def test_a_finished_run_can_be_prolonged(run, tmp_path):
    tiny_train(tmp_path, f"ckpt_path={run}/checkpoints/last.ckpt", "trainer.max_steps=5")
    assert read_checkpoint(tmp_path / "checkpoints" / "last.ckpt")["global_step"] == 5


def test_another_seed_is_another_run(run, tmp_path):
    tiny_train(tmp_path, "seed=2")
    ended, other = (
        read_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (tmp_path, run)
    )
    assert not same_weights(ended["state_dict"], other["state_dict"])


def test_init_from_takes_weights_and_nothing_else(run, tmp_path):
    tiny_train(
        tmp_path,
        f"init_from={run}/checkpoints/last.ckpt",
        "trainer.max_steps=1",
        "learning_rate=0",
    )
    ended, origin = (
        read_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (tmp_path, run)
    )
    assert ended["global_step"] == 1
    assert same_weights(ended["state_dict"], origin["state_dict"])


def test_init_from_takes_weights_by_name_and_the_critics_start_anew(run, tmp_path, monkeypatch):
    checkpoint = f"{run}/checkpoints/last.ckpt"
    convert(checkpoint, tmp_path / "a.safetensors")
    ship(tmp_path / "a.safetensors", "photographs-256", monkeypatch)
    tiny_train(
        tmp_path / "run", "init_from=photographs-256", "trainer.max_steps=1", "learning_rate=0"
    )
    ended, origin = (
        read_checkpoint(path)["state_dict"]
        for path in (tmp_path / "run" / "checkpoints" / "last.ckpt", checkpoint)
    )
    for name, value in origin.items():
        if name.startswith("generator."):
            assert torch.equal(ended[name], value.half().float())
    assert any(not torch.equal(ended[name], origin[name]) for name in origin if "critic" in name)


def test_init_from_goes_on_at_another_size_where_the_critics_start_anew(
    run, tmp_path, caplog, capsys
):
    last = f"{run}/checkpoints/last.ckpt"
    size = ("image_size=48", "box_size=24", "data.resize=64")
    one = ("trainer.max_steps=1", "learning_rate=0")
    words = "another image_size, box_size or critic_channels, and start anew"
    tiny_train(tmp_path / "alone", f"init_from={last}", *size, *one, "gan=none")
    assert words not in caplog.text  # they learn nothing
    tiny_train(tmp_path, f"init_from={last}", *size, *one)
    assert words in caplog.text
    assert f"Beginning with the weights of {last}." in capsys.readouterr().out
    ended, origin = (
        read_checkpoint(path)["state_dict"] for path in (f"{tmp_path}/checkpoints/last.ckpt", last)
    )
    for name, value in origin.items():
        if name.startswith("generator."):
            assert torch.equal(ended[name], value)


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (
            ["channels=4", "init_from={}"],
            r"own settings, generator=two_stage generator\.channels=2",
        ),
        (["ckpt_path={}"], r"has weights but not optimizer_states, .*; init_from starts another"),
    ],
)
def test_weights_that_do_not_fit_or_go_on_are_refused(overrides, words, tmp_path):
    file = tiny_weights(tmp_path / "a.safetensors")
    with pytest.raises(ValueError, match=words) as error:
        tiny_train(tmp_path / "run", *(text.format(file) for text in overrides))
    assert "\n" not in str(error.value)
    assert not (tmp_path / "run" / "checkpoints").exists()


def press_ctrl_c_in_step_2(self, trainer, pl_module, batch, batch_idx):
    if batch_idx == 1:
        signal.raise_signal(signal.SIGINT)


def test_ctrl_c_ends_with_a_checkpoint_that_goes_on(run, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(Interrupt, "on_train_batch_start", press_ctrl_c_in_step_2)
    before = signal.default_int_handler
    signal.signal(signal.SIGINT, before)  # the shell has it ignored in the background
    tiny_train(tmp_path / "cut", "callbacks.last_checkpoint.every_n_train_steps=0")
    assert signal.getsignal(signal.SIGINT) is before
    last = tmp_path / "cut" / "checkpoints" / "last.ckpt"
    assert read_checkpoint(last)["global_step"] == 2
    assert "the same command with ckpt_path=last goes on" in capsys.readouterr().out
    monkeypatch.undo()

    tiny_train(tmp_path / "on", f"ckpt_path={last}")
    ended, uncut = (
        read_checkpoint(folder / "checkpoints" / "last.ckpt") for folder in (tmp_path / "on", run)
    )
    assert same_weights(ended["state_dict"], uncut["state_dict"])


def test_a_stop_between_two_rows_leaves_none_of_its_own(tmp_path, monkeypatch):
    every = ("trainer.log_every_n_steps=3", "trainer.val_check_interval=4")
    tiny_train(tmp_path / "uncut", *every)
    with monkeypatch.context() as patch:
        patch.setattr(Interrupt, "on_train_batch_start", press_ctrl_c_in_step_2)
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        tiny_train(tmp_path / "cut", *every)
        signal.signal(signal.SIGINT, before)
    tiny_train(tmp_path / "cut", *every)
    uncut, cut = (
        [
            {name: value for name, value in row.items() if "time" not in name}
            for row in read_metrics(tmp_path / folder)
        ]
        for folder in ("uncut", "cut")
    )
    assert cut == uncut


def test_report_stands_beside_a_classical_baseline(run):
    table = (run / "report" / "table.md").read_text()
    for words in ("this run", "telea (classical baseline)", "n = 8"):
        assert words in table


def test_gradients_are_clipped_in_half_precision_too(tmp_path):
    clipped = ("trainer.precision=bf16-mixed", "trainer.gradient_clip_val=1", "trainer.max_steps=1")
    tiny_train(tmp_path, *clipped)
    assert read_status(tmp_path)["state"] == "done"


def test_runs_of_a_process_score_a_baseline_once(tmp_path, monkeypatch):
    calls = []
    fill = Telea.__call__
    monkeypatch.setattr(Telea, "__call__", lambda *of: calls.append(1) or fill(*of))
    counts = []
    radius = "baseline.telea.radius={}".format  # as no other test has it
    for name, *overrides in (("a", radius(2.5)), ("b", "seed=2", radius(2.5)), ("c", radius(3.5))):
        before = len(calls)
        tiny_train(tmp_path / name, "trainer.max_steps=1", *overrides)
        counts.append(len(calls) - before)
    assert counts[1] < counts[0] == counts[2]


def test_pictures_show_six_columns(run):
    picture = np.asarray(Image.open(run / "pictures" / "step-0000004.png"))
    assert picture.shape[1] > 6 * 32
    assert picture.std() > 10


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("trainer.gradient_clip_val=0", "above 0 or null"),
        ("trainer.gradient_clip_algorithm=length", "norm or value"),
        ("trainer.accumulate_grad_batches=0", "from 1"),
        ("module.max_skipped=many", "from 1"),
        ("datamodule.val_holes=1", "`datamodule.val_holes` to be the settings of a mask"),
        ("trainer.precision=16-mixed", "bf16-mixed"),
        ("trainer.max_steps=0", "from 1, or -1 for no limit"),
        ("trainer.max_steps=-1", "the run has no end"),
        ("trainer.val_check_interval=0", "above 0"),
        ("trainer.val_check_interval=often", "above 0"),
        ("callbacks.model_checkpoint.monitor=val/beauty", "val/psnr_full"),
        ("+callbacks.x={_target_:os.system,command:ls}", "may name code of Farfill"),
        ("ckpt_path=nowhere.ckpt", "there is no file nowhere.ckpt"),
        ("init_from=nowhere.ckpt", "there is no file nowhere.ckpt"),
        ("box_size=64", "box"),
        ("image_size=64", "data.resize"),
    ],
)
def test_wrong_settings_are_refused_in_one_sentence_before_training(tmp_path, override, message):
    with pytest.raises(ValueError, match=message) as error:
        tiny_train(tmp_path, override)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "checkpoints").exists()


def test_a_folder_that_holds_a_run_is_not_overwritten(run):
    before = (run / "checkpoints" / "last.ckpt").read_bytes()
    with pytest.raises(ValueError, match="is done: raise"):
        tiny_train(run)
    assert (run / "checkpoints" / "last.ckpt").read_bytes() == before


def test_metrics_of_a_run_taken_up_in_its_own_folder_go_on(tmp_path):
    tiny_train(tmp_path, "trainer.max_steps=2")
    first = read_metrics(tmp_path)
    tiny_train(tmp_path, "ckpt_path=last")
    rows = read_metrics(tmp_path)
    assert rows[: len(first)] == first
    assert [row["step"] for row in rows if row["train/generator/total"]] == ["1", "2", "3", "4"]


@pytest.mark.parametrize("mask", ["centre", "free_form"])
def test_other_holes_train_too(tmp_path, mask):
    tiny_train(tmp_path, f"mask={mask}", "trainer.max_steps=1")
    assert (tmp_path / "checkpoints" / "last.ckpt").is_file()


@pytest.mark.parametrize("typo", ["trainer.max_stepps=3", "batch_sise=3", "+batch_sise=3"])
def test_a_mistyped_setting_is_refused(tmp_path, typo):
    """The command line shows every swap: a typo is an error, not a silent default."""
    name = typo.strip("+").partition("=")[0].rpartition(".")[2]
    with pytest.raises(Exception, match=name):
        tiny_train(tmp_path, typo)
    assert not (tmp_path / "config.yaml").exists()
