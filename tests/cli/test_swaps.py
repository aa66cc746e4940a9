"""Every combination of swaps is built, trains a step, validates, saves and loads again."""

import pytest
import torch

from farfill import load_generator
from farfill.checkpoint import read_checkpoint
from farfill.config.instantiate import instantiate
from farfill.config.paths import conf_dir
from helpers.runs import compose_tiny, tiny_train


def options(group):
    return sorted(file.stem for file in (conf_dir() / group).glob("*.yaml"))


ONE_STEP = ["trainer.max_steps=1", "baseline=[]", "callbacks.pictures.count=1"]


@pytest.mark.parametrize("gan", options("gan"))
@pytest.mark.parametrize("attention", options("attention"))
def test_every_combination_trains_and_loads_again(tmp_path, attention, gan):
    value = tiny_train(tmp_path, f"attention={attention}", f"gan={gan}", *ONE_STEP)
    assert 0 < value < 1
    path = tmp_path / "checkpoints" / "last.ckpt"
    generator = load_generator(path)
    saved = read_checkpoint(path)["state_dict"]
    for name, weight in generator.state_dict().items():
        assert torch.equal(weight, saved[f"generator.{name}"])
    result = generator(torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    assert result.refined.isfinite().all()


@pytest.mark.parametrize("gan", options("gan"))
def test_every_game_takes_the_critic_steps_it_is_told(gan):
    steps = [
        instantiate((compose_tiny(f"gan={gan}", f"critic_steps={n}")).module).gan.critic_steps
        for n in (1, 5)
    ]
    assert steps == ([0, 0] if gan == "none" else [1, 5])


def moved(folder, initial):
    """Names of the generator's parts whose weights a run has changed."""
    saved = read_checkpoint(folder / "checkpoints" / "last.ckpt")["state_dict"]
    return {
        name.split(".")[1]
        for name, weight in initial.items()
        if name.startswith("generator.") and not torch.equal(weight, saved[name])
    }


@pytest.mark.parametrize(
    ("stage", "parts"),
    [
        ("joint", {"coarse", "refinement"}),
        ("coarse_only", {"coarse"}),
        ("refine_frozen", {"refinement"}),
    ],
)
def test_a_stage_moves_its_own_parameters_and_no_others(tmp_path, stage, parts):
    tiny_train(tmp_path / "a", *ONE_STEP, "learning_rate=0")
    start = tmp_path / "a" / "checkpoints" / "last.ckpt"
    tiny_train(tmp_path / "b", *ONE_STEP, f"stage={stage}", f"init_from={start}")
    assert moved(tmp_path / "b", read_checkpoint(start)["state_dict"]) == parts


def test_staged_training_goes_from_coarse_to_refinement(tmp_path):
    tiny_train(tmp_path / "a", *ONE_STEP, "stage=coarse_only", "gan=none")
    first = tmp_path / "a" / "checkpoints" / "last.ckpt"
    generator = load_generator(first)
    result = generator(torch.rand(1, 3, 32, 32), torch.ones(1, 1, 32, 32))
    assert torch.equal(result.coarse, result.refined)
    tiny_train(tmp_path / "b", *ONE_STEP, "stage=refine_frozen", f"init_from={first}")
    assert moved(tmp_path / "b", read_checkpoint(first)["state_dict"]) == {"refinement"}


def test_a_part_that_is_not_there_is_one_sentence():
    cfg = compose_tiny("stage.trained=[neck]")
    with pytest.raises(ValueError, match=r"\(coarse, refinement\), got neck"):
        instantiate(cfg.module)
