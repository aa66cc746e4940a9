"""The benchmark's rivals compute the same, so that their times mean something."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch

import farfill

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
    hole = torch.zeros(2, 1, 64, 48, dtype=torch.float64)
    hole[0, :, 8:30, 10:40] = hole[1, :, 20:60, 4:20] = 1
    with torch.no_grad():
        ours = generator(masked * (1 - hole), hole)
        plain = rivals.plain_generator(generator)(masked * (1 - hole), hole)
    torch.testing.assert_close(ours.refined, plain.refined)
    assert torch.equal(ours.offsets, plain.offsets)


def test_an_unknown_part_is_named():
    done = subprocess.run(
        [sys.executable, FOLDER / "run.py", "attentoin"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "attentoin is not one of attention, attention_training" in done.stderr
