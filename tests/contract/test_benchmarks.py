"""The benchmark's rivals compute the same, so that their times mean something."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import farfill
from farfill.critic.local_global import LocalGlobal
from farfill.gan.wgan_gp import WassersteinGP
from helpers.holes import box_holes

FOLDER = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def rivals(monkeypatch):
    monkeypatch.syspath_prepend(str(FOLDER))
    import rivals  # a script's neighbour, not a package

    return rivals


def test_the_plain_generator_completes_alike(rivals):
    torch.manual_seed(0)
    generator = farfill.Generator(channels=4).double().eval()
    masked = torch.randn(2, 3, 64, 48, dtype=torch.float64).clamp(-1, 1)
    hole = box_holes(64, 48, (8, 10, 22, 30), (20, 4, 40, 16), dtype=torch.float64)
    with torch.no_grad():
        ours = generator(masked * (1 - hole), hole)
        plain = rivals.plain_generator(generator)(masked * (1 - hole), hole)
    torch.testing.assert_close(ours.refined, plain.refined)
    assert torch.equal(ours.offsets, plain.offsets)


def test_the_plain_critics_have_the_same_penalty(rivals):
    real, fake = torch.rand(2, 2, 3, 16, 16, dtype=torch.float64)
    hole = torch.ones(2, 1, 16, 16, dtype=torch.float64)
    penalties = []
    for kind in (LocalGlobal, rivals.TwiceDifferentiated):
        torch.manual_seed(0)
        critics = kind(4, 16, 16).double()
        views = ({"local": x, "global": x} for x in (real, fake, hole))
        penalties.append(WassersteinGP(1, 1, 10, 1).critic_terms(critics, *views))
    assert penalties[0]["penalty_local"] > 0
    torch.testing.assert_close(*penalties)


def test_an_unknown_part_is_named():
    told = [sys.executable, FOLDER / "run.py", "attentoin"]
    done = subprocess.run(told, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "attentoin is not one of attention, attention_training" in done.stderr
