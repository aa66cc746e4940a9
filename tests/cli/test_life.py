"""Do networks live? Every preset after 500 steps, and every swap after 20,000 tiny ones."""

import os
from pathlib import Path

import psutil
import pytest
from lightning import Callback, Trainer

from farfill.files import read_rows
from farfill.rundir.status import read_status
from helpers.command import command
from helpers.runs import compose_tiny
from train import train

PHOTOS = Path(__file__).parents[3] / "shared" / "photos"
#: Some take an hour.
pytestmark = pytest.mark.timeout(7200)
STEPS = int(os.environ.get("FARFILL_LONG_STEPS", "20000"))


def curve(folder: Path, name: str = "val/l1_hole") -> list[float]:
    return [float(row[name]) for row in read_rows(folder / "metrics.csv") if row.get(name)]


@pytest.mark.slow
@pytest.mark.parametrize("preset", [[], ["scale=quick"], ["scale=small"]], ids=str)
def test_every_preset_is_alive_after_500_steps(tmp_path, preset):
    """But for ``experiment=paper``, of which 500 steps take a processor days."""
    steps = ["trainer.max_steps=500", "trainer.val_check_interval=100", "logger=csv"]
    options = [*preset, *steps, "hydra.run.dir=run", "baseline=[]"]
    code, _, errors = command("train", tmp_path, *options, timeout=3000)
    assert code == 0, errors
    folder = tmp_path / "run"
    assert read_status(folder)["state"] == "done"
    assert curve(folder)[-1] < curve(folder, "val/mean_colour_l1_hole")[-1]
    assert max(curve(folder, "val/clipped_refined")) < 0.5


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs the photographs beside the project")
@pytest.mark.parametrize(
    ("cure", "state"),
    [
        ([], "collapsed"),
        (["schedule.warmup=200", "trainer.gradient_clip_val=1", "learning_rate=3e-4"], "done"),
    ],
    ids=["known to die", "mended"],
)
def test_a_collapse_on_photographs_is_noticed(tmp_path, cure, state):
    options = [
        *(f"data.root={PHOTOS}", "data=folder", "image_size=128", "box_size=64", "channels=32"),
        *("learning_rate=1e-3", "gan=none", "trainer.precision=bf16-mixed", "baseline=[]"),
        *("trainer.max_steps=800", "trainer.val_check_interval=100", "datamodule.val_limit=40"),
        *("schedule=constant", "logger=csv", "hydra.run.dir=run", *cure),
    ]
    code, _, errors = command("train", tmp_path, *options, timeout=3000)
    assert code == 0, errors
    assert read_status(tmp_path / "run")["state"] == state


class MemoryWatch(Callback):
    """Resident bytes of this process at every thousandth step."""

    def __init__(self) -> None:
        self.bytes: list[int] = []

    def on_train_batch_end(self, trainer: Trainer, *_: object) -> None:
        if trainer.global_step % (STEPS // 20) == 0:
            self.bytes.append(psutil.Process().memory_info().rss)


@pytest.mark.slow
@pytest.mark.parametrize(
    "swap",
    [
        *(f"gan={name}" for name in ("wgan_gp", "vanilla", "lsgan", "hinge", "none")),
        *(f"attention={name}" for name in ("stn", "appearance_flow", "shift", "none")),
    ],
)
def test_a_long_run_keeps_its_memory_and_hides_no_collapse(tmp_path, swap, monkeypatch):
    watch, init = MemoryWatch(), Trainer.__init__

    def watched(self, *args, callbacks=(), **kwargs):
        init(self, *args, callbacks=[*callbacks, watch], **kwargs)

    monkeypatch.setattr(Trainer, "__init__", watched)
    rhythm = [f"trainer.max_steps={STEPS}", f"trainer.val_check_interval={STEPS // 20}"]
    sparse = ["trainer.log_every_n_steps=100", "callbacks.last_checkpoint.every_n_train_steps=1000"]
    options = [swap, *rhythm, *sparse, "baseline=[]", "logger=csv"]
    train(compose_tiny(*options, folder=tmp_path))
    first, last = watch.bytes[4], watch.bytes[-1]
    assert last < first + 50 * 2**20, watch.bytes
    l1, floor = curve(tmp_path)[-1], curve(tmp_path, "val/mean_colour_l1_hole")[-1]
    state = read_status(tmp_path)["state"]
    print(f"{swap}: {state}, L1 {l1:.4f}, floor {floor:.4f}, {(last - first) / 2**20:.1f} MiB more")
    assert (state == "collapsed") or l1 < 1.5 * floor
