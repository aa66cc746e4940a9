"""Two processes act as one: the same gradients, rows and pictures, and only the first writes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import distributed

from farfill.checkpoint import read_checkpoint
from farfill.files import read_rows
from farfill.gan.hinge import Hinge
from farfill.gan.lsgan import LSGAN
from farfill.gan.vanilla import Vanilla
from farfill.gan.wgan_gp import WassersteinGP
from farfill.op.runtime import average_, share_of
from farfill.types import Batch
from helpers.children import assert_same
from helpers.runs import TINY
from helpers.tiny import random_batch, tiny_module

SCRIPT = Path(__file__).parents[2] / "src" / "train.py"
GANS = {
    "wgan_gp": lambda: WassersteinGP(0.001, 1.0, 10.0, 1),
    "vanilla": lambda: Vanilla(0.001, 1.0, 1),
    "lsgan": lambda: LSGAN(0.001, 1.0, 1),
    "hinge": lambda: Hinge(0.001, 1.0, 1),
}


def gradients_of(gan, batch):
    """Of both players, as one update of each would find them."""
    torch.manual_seed(0)
    module = tiny_module(gan=GANS[gan]()).double()
    found = []
    for player, terms in (
        (module.critics, module.critic_terms),
        (module.generator, module.generator_terms),
    ):
        torch.stack(list(terms(batch).values())).sum().backward()
        found += [p.grad for p in player.parameters() if p.grad is not None]
        average_(found)
        module.zero_grad(set_to_none=True)
    return torch.cat([gradient.flatten() for gradient in found])


@pytest.mark.parametrize("gan", GANS)
def test_gradients_are_those_of_one_process_with_the_joint_batch(gan, tmp_path):
    joint = Batch(*(x.double() if x.is_floating_point() else x for x in random_batch(4)))
    alone = gradients_of(gan, joint)
    children = []
    for rank in range(2):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                store = f"file://{tmp_path / 'store'}"
                distributed.init_process_group("gloo", store, rank=rank, world_size=2)
                mine = Batch(*(share_of(part) for part in joint))
                torch.save(gradients_of(gan, mine), tmp_path / f"{rank}.pt")
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children] == [0, 0]
    for rank in range(2):
        together = torch.load(tmp_path / f"{rank}.pt")
        assert (together - alone).abs().max() <= 1e-9 * alone.abs().max()
    assert alone.abs().max() > 0


def train(folder, *overrides):
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    options = [
        *TINY,
        "batch_size=4",
        "trainer.precision=64-true",
        "baseline=[]",
        *KNOWN,
        "callbacks.last_checkpoint.keep=true",
        "~callbacks.learning_rate_monitor",
    ]
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options, *overrides, f"hydra.run.dir={folder}"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


#: Five pictures: of two processes one has three of them, one two.
KNOWN = (
    *("data=known_source", "data.period=[12,16]", "data.grain=4", "data.val=5"),
    *("datamodule.val_batch_size=3", "callbacks.attention_diagnostics.pictures=5"),
)
TWO = ("trainer=ddp", "trainer.devices=2", "trainer.accelerator=cpu")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes")
    train(folder / "one")
    said = train(folder / "two", *TWO)
    return folder / "one", folder / "two", said


@pytest.mark.slow
def test_a_run_of_two_processes_is_a_run_of_one(runs):
    one, two, said = runs
    rows = [read_rows(folder / "metrics.csv") for folder in (one, two)]
    assert "val/attention_hole_weight" in rows[0][0]
    assert [row["step"] for row in rows[1]] == ["1", "2", "2", "3", "4", "4"]  # two validations
    for alone, together in zip(*rows, strict=True):
        for name in alone:
            if alone[name] and not name.startswith("train/time"):
                assert float(together[name]) == pytest.approx(float(alone[name]), rel=1e-5), name
    weights = [read_checkpoint(x / "checkpoints" / "last.ckpt")["state_dict"] for x in (one, two)]
    for name, alone in weights[0].items():
        torch.testing.assert_close(weights[1][name], alone, rtol=1e-6, atol=1e-8)
    assert said.count("Everything of this run goes into") == 1
    manifests = [(folder / "report" / "manifest.json").read_text() for folder in (one, two)]
    assert manifests[0] == manifests[1]


@pytest.mark.slow
def test_two_processes_go_on_in_the_middle_of_an_epoch(runs, tmp_path):
    _, two, _ = runs
    # And of the pictures to measure the second process now has none.
    fewer = "callbacks.attention_diagnostics.pictures=2"
    train(tmp_path, *TWO, fewer, f"ckpt_path={two}/checkpoints/step-0000001.ckpt")
    ended, uncut = (read_checkpoint(x / "checkpoints" / "last.ckpt") for x in (tmp_path, two))
    for part in ("state_dict", "optimizer_states", "global_step"):
        assert_same(ended[part], uncut[part], part)


def test_pictures_that_cannot_be_shared_evenly_are_refused(tmp_path):
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *TINY, *TWO, "batch_size=3", f"hydra.run.dir={tmp_path}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "cannot share 3 pictures evenly" in done.stderr
