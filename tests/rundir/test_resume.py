"""A run's folder: one run, one process, and nothing good in it is ever lost."""

import os
import pickle
import resource
import shutil
from pathlib import Path

import pytest
import torch

from farfill.callback.random_state import RandomState
from farfill.checkpoint import read_checkpoint
from farfill.config.arguments import newest_checkpoint, with_last_run
from farfill.rundir.status import LOCK_FILE, hours, is_done, read_status, write_status
from helpers.children import die_at_call, train_in_child
from helpers.command import command
from helpers.runs import TINY, tiny_evaluate, tiny_train

SHORT = ("trainer.max_steps=2", "baseline=[]")
LONGER = ("trainer.max_steps=4", "baseline=[]")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    tiny_train(folder, *SHORT)
    return folder


@pytest.fixture
def run(finished, tmp_path):
    """A run that may go on."""
    return Path(shutil.copytree(finished, tmp_path / "run"))


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != LOCK_FILE)
    return {path: path.read_bytes() for path in files}


def refused(run, words, *overrides):
    before = contents(run)
    with pytest.raises(ValueError, match=words) as error:
        tiny_train(run, *overrides)
    assert "\n" not in str(error.value)
    assert contents(run) == before


@pytest.mark.parametrize(
    ("planned", "asked", "done"),
    [
        ({"steps": 400}, {"steps": 400}, True),
        ({"steps": 400}, {"steps": 300}, True),
        ({"steps": 400}, {"steps": 500}, False),
        ({"steps": 400}, {}, False),
        ({"steps": 400}, {"steps": 400, "epochs": 3}, True),
        ({"steps": 800, "epochs": 1}, {"steps": 800, "epochs": 1}, True),  # an untrained cell
        ({"steps": 800, "epochs": 1}, {"steps": 400}, False),  # it ended after one
        ({"epochs": 2}, {"epochs": 10}, False),
        ({"steps": 400, "seconds": 60.0}, {"steps": 400, "seconds": 60.0}, True),
        ({"steps": 400, "seconds": 60.0}, {"steps": 400, "seconds": 90.0}, False),
        ({"steps": 400, "seconds": 60.0}, {"steps": 400}, False),
        ({}, {"steps": 400}, False),  # what does not say
    ],
)
@pytest.mark.parametrize("state", ["done", "collapsed", "preempted"])
def test_a_run_is_done_if_it_was_to_be_as_long_as_is_asked_for(
    state, planned, asked, done, tmp_path
):
    write_status(tmp_path, state, step=120, **planned)
    assert is_done(tmp_path, asked) == (done and state != "preempted")


@pytest.mark.parametrize(
    ("ends", "kept"),
    [
        (("trainer.max_epochs=1", "trainer.limit_train_batches=1"), {"step": 1, "epochs": 1}),
        (("trainer.max_time={seconds:0}",), {"seconds": 0.0, "short": True}),
        (("~callbacks.heartbeat",), {"steps": 4}),  # nobody noted a step
    ],
)
def test_a_run_that_ended_otherwise_is_done_when_its_sweep_is_repeated(
    ends, kept, tmp_path, monkeypatch, capsys
):
    tiny_train(tmp_path, *ends, "baseline=[]")
    status = read_status(tmp_path)
    assert status.items() >= {"state": "done", **kept}.items()
    assert ("short" in status) == ("short" in kept)
    monkeypatch.setattr("farfill.rundir.resume.in_sweep", lambda: True)
    tiny_train(tmp_path, *ends, "baseline=[]")
    assert "Done already" in capsys.readouterr().out


def test_hours_are_those_of_all_its_sessions(run):
    first = {"started": "2026-01-01T00:00:00+00:00", "ended": "2026-01-01T02:30:00+00:00"}
    write_status(run, "preempted", **first)
    tiny_train(run, *LONGER)
    status = read_status(run)
    assert status["spent"] == 2.5
    assert 2.5 <= hours(status) < 3
    queued = {"queued": status["ended"], "started": None, "ended": None}
    write_status(run, "queued", spent=hours(status), **queued)
    assert hours(read_status(run)) == pytest.approx(hours(status))


def test_another_runs_folder_is_refused(run):
    refused(run, r"other settings: .*seed \(was 1, now 2\)", *LONGER, "seed=2")


def test_another_runs_folder_is_refused_before_its_first_checkpoint(run):
    shutil.rmtree(run / "checkpoints")
    (run / "status.json").unlink()
    refused(run, r"other settings, .*seed \(was 1, now 2\)", *LONGER, "seed=2")


def test_a_checkpoint_from_elsewhere_does_not_replace_a_run(run, finished):
    refused(run, "holds another run", *LONGER, f"ckpt_path={finished}/checkpoints/last.ckpt")


def test_last_needs_a_run(tmp_path):
    refused(tmp_path, "but there is none: name its folder", *SHORT, "ckpt_path=last")


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(path.read_bytes()[:1000]),
        lambda path: path.write_bytes(pickle.dumps({"state_dict": os.system})),
        lambda path: path.write_text("hello"),
    ],
    ids=["half", "foreign", "text"],
)
def test_a_bad_checkpoint_is_named_and_kept(run, harm):
    harm(run / "checkpoints" / "last.ckpt")
    refused(run, "last.ckpt is not a whole checkpoint .*best.ckpt", *LONGER)
    assert read_checkpoint(run / "checkpoints" / "best.ckpt")


def test_weights_alone_do_not_go_on(run):
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    del checkpoint["optimizer_states"], checkpoint["loops"]
    torch.save(checkpoint, last)
    refused(run, "not optimizer_states, loops, so no run can go on", *LONGER)


def test_a_run_of_another_version_is_not_gone_on_with_but_its_weights_are(run, tmp_path):
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    checkpoint["farfill"]["version"] = 1
    torch.save(checkpoint, last)
    refused(run, r"was written by Farfill 0\..*no run can go on from it, but init_from", *LONGER)
    tiny_train(tmp_path / "other", *SHORT, f"init_from={last}")


def hurt(checkpoint, keys, value):
    """Put ``value`` where the keys lead; the ModelCheckpoint has a long name."""
    for key in keys[:-1]:
        if key == "ModelCheckpoint":
            key = next(name for name in checkpoint if name.startswith(key))
        checkpoint = checkpoint[key]
    checkpoint[keys[-1]] = value


BATCHES = ("loops", "fit_loop", "epoch_loop.batch_progress")
ADAM = ("optimizer_states", 0, "state", 0)
OPTIONS = ("optimizer_states", 1, "param_groups", 0)


@pytest.mark.parametrize(
    ("keys", "value", "words"),
    [
        (("loops",), {}, "fit_loop"),
        (("loops",), 3, "loops"),
        (BATCHES, {}, "batch_progress"),
        ((*BATCHES, "total", "ready"), "2", "ready"),
        ((*BATCHES, "current", "completed"), -1, "completed"),
        (("state_dict", "bogus"), torch.ones(1), "bogus"),
        (("state_dict", "generator.bogus"), torch.ones(1), "bogus"),
        ((*ADAM, "exp_avg"), torch.ones(3, 3), ""),
        ((*ADAM, "exp_avg"), "x", ""),
        ((*ADAM, "exp_avg_sq"), torch.full((2, 5, 5, 5), torch.nan), "exp_avg_sq is NaN"),
        ((*ADAM, "step"), torch.tensor(torch.inf), "step is NaN or inf"),
        (("optimizer_states", 0, "state", 10**6), {"a": torch.ones(2)}, ""),
        (("optimizer_states", 0), {}, "param_groups"),
        (("optimizer_states",), [], ""),
        (("optimizer_states",), "x", "optimizer_states"),
        ((*OPTIONS, "lr"), "x", "settings"),
        ((*OPTIONS, "lr"), torch.nan, "settings"),
        ((*OPTIONS, "betas"), ("x", 0.9), "settings"),
        ((*OPTIONS, "params"), [0], "settings"),
        (("callbacks", "ModelCheckpoint", "best_model_score"), "x", "best_model_score"),
        (("callbacks", "ModelCheckpoint", "best_k_models"), {"x": "y"}, "best_k_models"),
        (("callbacks",), "x", "callbacks"),
        (("callbacks", "RandomState"), {"x": 1}, "python"),
        (("callbacks", "RandomState", "python"), [3, [1, 2], None], ""),
        (("callbacks", "RandomState", "numpy"), "MT19937", ""),
        (("callbacks", "RandomState", "torch"), torch.zeros(3), ""),
        (("callbacks", "Health"), {}, "reason"),
        (("callbacks", "Health", "last"), {"l1": "x"}, "last"),
        (("InpaintingData",), {"step": "x"}, "InpaintingData.step"),
        (("skipped",), "x", "skipped"),
        (("skipped",), [{"generator": "x"}, {}], "skipped"),
        (("skipped",), [{"nobody": 1}, {}], "skipped"),
        (("lr_schedulers",), "x", ""),
        (("lr_schedulers", 0), {}, "last_epoch"),
        (("lr_schedulers", 0, "last_epoch"), "x", "last_epoch"),
        (("lr_schedulers", 1, "base_lrs"), "x", "schedule"),
    ],
)
def test_a_checkpoint_that_lies_is_refused_before_anything_is_written(run, keys, value, words):
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    if "ModelCheckpoint" in keys:  # where it is another folder's, only its path is taken up
        hurt(checkpoint, ("callbacks", "ModelCheckpoint", "dirpath"), str(last.parent))
    hurt(checkpoint, keys, value)
    torch.save(checkpoint, last)
    refused(run, rf"last\.ckpt.*{words}", *LONGER)


def test_a_checkpoint_without_random_state_is_refused_unless_asked_for(run):
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    del checkpoint["callbacks"]["RandomState"]
    torch.save(checkpoint, last)
    with pytest.raises(ValueError, match=r"no random state.*~callbacks\.random_state"):
        tiny_train(run, *LONGER)
    tiny_train(run, *LONGER, "~callbacks.random_state")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda weight: torch.full_like(weight, torch.nan), "is NaN or infinite"),
        (lambda weight: weight.int(), r"is of torch\.int32, not of torch\.float32"),
    ],
)
@pytest.mark.parametrize("player", ["generator", "critics"])
def test_weights_that_are_not_finite_are_refused_and_named(run, tmp_path, player, change, words):
    last = run / "checkpoints" / "last.ckpt"
    checkpoint = read_checkpoint(last)
    name = next(name for name in checkpoint["state_dict"] if name.startswith(player))
    checkpoint["state_dict"][name] = change(checkpoint["state_dict"][name])
    torch.save(checkpoint, last)
    words = rf"the weight {name} in .*last\.ckpt {words}"
    refused(run, words, *LONGER)
    refused(tmp_path / "other", words, *SHORT, f"init_from={last}")
    if player == "generator":
        with pytest.raises(ValueError, match=words):
            tiny_evaluate(tmp_path / "scores", f"ckpt_path={last}")


@pytest.mark.parametrize("harm", [b"\xff\xfe", b"a: [", b"- a", b"a: ${b", b"a: &a [*a]"])
def test_a_damaged_config_is_named(run, harm):
    shutil.rmtree(run / "checkpoints")  # which would have the settings, too
    (run / "config.yaml").write_bytes(harm)
    refused(run, "config.yaml is damaged, .*another hydra.run.dir", *LONGER)


def test_a_damaged_config_does_not_keep_a_run_from_going_on(run):
    (run / "config.yaml").write_bytes(b"\xff")
    tiny_train(run, *LONGER)
    assert read_checkpoint(run / "checkpoints" / "last.ckpt")["global_step"] == 4


def test_settings_of_a_run_that_refer_to_others_are_refused_and_not_shown(run, monkeypatch):
    monkeypatch.setenv("SECRET", "a1b2")
    shutil.rmtree(run / "checkpoints")
    config = run / "config.yaml"
    config.write_text(config.read_text().replace("seed: 1", "seed: ${oc.env:SECRET}"))
    refused(run, r"^(?!.*(a1b2|SECRET)).*config\.yaml may not refer .*seed does", *LONGER)


def test_a_full_disk_keeps_the_checkpoint_before(run):
    """Files may grow to 300 kB: rows fit, a checkpoint does not."""
    last = run / "checkpoints" / "last.ckpt"
    assert last.stat().st_size > 300_000
    before = last.read_bytes()

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    assert train_in_child(run, *LONGER, prepare=limit) == 1
    assert last.read_bytes() == before
    status = read_status(run)
    assert status["state"] == "failed"
    assert "could not be written" in status["message"]
    assert not list(run.rglob(".part-*"))
    assert train_in_child(run, *LONGER) == 0
    assert read_checkpoint(last)["global_step"] == 4


#: Where a process that is killed may leave a file half written.
PLACES = (".", "checkpoints", "pictures", "report", "report/pictures", "report/pictures/ours")


def leave(folder, name, *files):
    half = folder / name
    half.mkdir(parents=True)
    for file in files:
        (half / file).touch()
    return half


def test_what_a_killed_process_left_is_tidied_up(run):
    halves = [leave(run / place, ".part-ab12_x9z", "last.ckpt") for place in PLACES]
    halves += [leave(run / place, ".part-ab12_x9y") for place in PLACES]
    others = [
        leave(run, ".part-mine", "thesis.txt"),
        leave(run, ".part-ab12_x9x", "one", "two"),
        leave(run, ".part-ab12_x9w/deep"),
        leave(run / "other", ".part-ab12_x9v", "deeper"),
    ]
    assert train_in_child(run, *LONGER, prepare=die_at_call(RandomState, "setup", 1)) < 0
    assert not [half for half in halves if half.exists()]
    assert all(other.is_dir() for other in others)


def test_a_refused_command_deletes_nothing(run, tmp_path):
    half = leave(tmp_path / "none" / "checkpoints", ".part-ab12_x9z", "last.ckpt")
    refused(tmp_path / "none", "but there is none", *SHORT, "ckpt_path=last")
    assert half.is_dir()
    half = leave(run / "checkpoints", ".part-ab12_x9z", "last.ckpt")
    refused(run, "other settings", *LONGER, "seed=2")
    assert half.is_dir()


def test_a_damaged_record_is_refused_before_anything_is_written(run):
    (run / "metrics.csv").write_bytes(b"\xff\n\x00")
    refused(run, r"metrics\.csv is damaged", *LONGER)


@pytest.mark.parametrize("rows", [0, 1])
def test_a_record_that_ends_too_early_is_noticed(run, rows, capsys):
    record = run / "metrics.csv"
    record.write_text("".join(record.read_text().splitlines(keepends=True)[: rows + 1]))
    tiny_train(run, *LONGER)
    assert f"has no rows between generator steps {rows} and 2" in capsys.readouterr().err


def test_a_whole_record_is_no_matter(run, capsys):
    tiny_train(run, *LONGER)
    assert "has no rows" not in capsys.readouterr().err


def test_the_last_run_is_found_by_its_time_wherever_it_lies(tmp_path):
    for number, place in enumerate(("b", "a", "day/time")):
        (tmp_path / place / ".hydra").mkdir(parents=True)
        for file in (
            "config.yaml",
            "overrides.yaml",
            ".hydra/config.yaml",
            ".hydra/overrides.yaml",
        ):
            (tmp_path / place / file).write_text("[seed=1]")
            os.utime(tmp_path / place / file, (number, number))
        (tmp_path / place / "checkpoints").mkdir()
        (tmp_path / place / "checkpoints" / "last.ckpt").touch()
        os.utime(tmp_path / place / "checkpoints" / "last.ckpt", (-number, -number))
    given = ["seed=1", "ckpt_path=last"]
    assert with_last_run(given, tmp_path) == [*given, f"hydra.run.dir={tmp_path}/day/time"]
    assert newest_checkpoint("last", tmp_path) == tmp_path / "b" / "checkpoints" / "last.ckpt"
    (tmp_path / "day" / "multirun.yaml").touch()  # then it is a run of a sweep
    assert with_last_run(given, tmp_path) == [*given, f"hydra.run.dir={tmp_path}/a"]


@pytest.mark.slow
def test_a_refused_command_does_not_hide_the_run_from_ckpt_path_last(tmp_path):
    """Hydra writes ``.hydra/overrides.yaml`` before the command is refused."""
    place, same = "hydra.run.dir=runs/2026-01-01/10-00-00", [*TINY, "baseline=[]"]
    status, _, err = command("train", tmp_path, *same, "trainer.max_steps=1", place)
    assert status == 0, err
    hydras = tmp_path / place.partition("=")[2] / ".hydra"
    composed = (hydras / "config.yaml").read_text()
    assert "${" in composed  # the report compares what was set, not what follows from it
    status, _, err = command("train", tmp_path, *same, "learning_rate=0.5", place)
    assert status == 2
    assert "other settings: learning_rate" in err
    assert (hydras / "config.yaml").read_text() != composed
    assert (hydras / "begun.yaml").read_text() == composed
    status, out, err = command("train", tmp_path, *same, "trainer.max_steps=2", "ckpt_path=last")
    assert status == 0, err
    assert "Going on after generator step 1." in out
