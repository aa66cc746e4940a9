"""A verdict that untrained networks earn is a bug: whole sweeps of them decide nothing."""

import pytest

from farfill.ablation import verdict
from farfill.ablation.sweep import read_sweep, require_comparable
from farfill.ablation.verdict import AGREES, OPEN, judge_all
from farfill.config.paths import conf_dir
from farfill.rundir.status import read_status
from helpers.command import command
from helpers.runs import TINY, tiny_train

NAMED = sorted(path.stem for path in (conf_dir() / "ablation").glob("*.yaml"))
#: What is the ablation's own.
OWN = ("callbacks.last_checkpoint", "data=", "baseline=")
#: Networks as initialised, on pictures as large as the smallest of ablations' features.
UNTRAINED = (
    *(one for one in TINY if not one.startswith(OWN)),
    *("learning_rate=0", "trainer.max_steps=1", "trainer.val_check_interval=1", "data.val=8"),
    *("data.period=[12,16]", "hydra.sweep.dir=sweep"),
)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    "name",
    [
        name if name == "propagation" else pytest.param(name, marks=pytest.mark.slow)
        for name in NAMED
    ],
)
def test_an_untrained_sweep_decides_nothing(name, tmp_path, monkeypatch):
    grain = () if name == "textures" else ("data.grain=4",)  # real textures have their own
    given = [*UNTRAINED, *grain, "seed=1,2,3"]
    status, _, err = command("train", tmp_path, f"ablation={name}", *given, timeout=1700)
    assert status == 0, err
    sweep = read_sweep(tmp_path / "sweep", {}, [])
    require_comparable(sweep)
    verdicts = judge_all(sweep)
    assert len(verdicts) == len(sweep.question["claims"])
    decided = [one.claim["says"] for one in verdicts if one.word != OPEN]
    assert not decided
    # Nor would the metrics, if nobody knew that these runs have not trained; but any network may
    # differ from the truth or from a classical filler as a claim expects.
    monkeypatch.setattr(verdict, "is_untrained", lambda _: False)
    for one in judge_all(sweep):
        if any("baseline" in one.claim[side] for side in ("left", "right")):
            continue
        assert one.word != AGREES or one.claim["expects"] not in ("lower", "higher"), one.claim


def test_the_untrained_cell_takes_one_step_whatever_the_command_line_says(tmp_path):
    given = ("trainer.max_steps=800", "trainer.val_check_interval=200")
    tiny_train(tmp_path, "cell=untrained", "gan=none", "data=sample", *given)
    status = read_status(tmp_path)
    assert (status["state"], status["step"]) == ("done", 1)
