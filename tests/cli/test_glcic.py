"""`model=glcic`: a whole recipe, and a run of it from training to a filled picture."""

import numpy as np
import pytest
import torch

from farfill import load_generator
from farfill.checkpoint import read_checkpoint
from farfill.config.instantiate import instantiate
from farfill.generator.glcic import GLCIC
from farfill.inpainting.fill import fill
from helpers.runs import compose_tiny, tiny_evaluate, tiny_train
from helpers.tiny import random_batch


def targets(cfg):
    losses = [loss["_target_"].rpartition(".")[2] for loss in cfg.loss.values()]
    parts = [cfg[name]["_target_"].rpartition(".")[2] for name in ("generator", "critic")]
    return [*parts, *losses]


def test_the_recipe_wins_over_the_defaults_and_the_command_line_over_the_recipe():
    cfg = compose_tiny("model=glcic")
    assert targets(cfg) == ["GLCIC", "Joint", "HoleL2"]
    assert cfg.gan._target_.startswith("farfill.gan.vanilla.")
    assert cfg.gan.weight == 0.0004
    assert cfg.generator.widen == 1.5
    assert list(cfg.module.alone) == [0.18, 0.02]
    cfg = compose_tiny("model=glcic", "loss=[known_l1]", "gan.weight=0.5", "critic=local_global")
    assert targets(cfg) == ["GLCIC", "LocalGlobal", "KnownL1"]
    assert cfg.gan.weight == 0.5


def test_the_recipe_goes_with_an_experiment():
    cfg = compose_tiny("experiment=paper", "model=glcic")
    assert targets(cfg) == ["GLCIC", "Joint", "HoleL2"]
    assert cfg.trainer.log_every_n_steps == 1  # of the command line
    assert cfg.datamodule.one_hole_per_batch
    assert cfg.gan.weight == 0.0004


def test_both_players_learn_with_this_objective():
    module = instantiate((compose_tiny("model=glcic")).module)
    batch = random_batch(4)
    for terms, learns, rests in (
        (module.critic_terms, module.critics, module.generator),
        (module.generator_terms, module.generator, None),
    ):
        sum(terms(batch).values()).backward()
        assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in learns.parameters())
        assert rests is None or all(p.grad is None for p in rests.parameters())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("glcic")
    tiny_train(folder, "model=glcic", "trainer.max_generator_steps=2", "baseline=[]")
    return folder / "checkpoints" / "last.ckpt"


def test_a_checkpoint_is_rebuilt_with_its_running_means(checkpoint):
    generator = load_generator(checkpoint)
    assert isinstance(generator, GLCIC)
    assert not generator.training
    weights = read_checkpoint(checkpoint)["state_dict"]
    for name, value in generator.state_dict().items():
        assert torch.equal(value, weights[f"generator.{name}"])
    assert generator.layers[0][1].running_mean.abs().sum() > 0


def test_it_is_scored_beside_a_baseline(checkpoint, tmp_path):
    table = tiny_evaluate(tmp_path, f"ckpt_path={checkpoint}", "baseline=[patch_match]")
    assert "last.ckpt" in table
    assert "patch match (classical baseline)" in table


def test_it_fills_pictures_of_any_size(checkpoint):
    image = np.random.default_rng(0).integers(0, 256, (29, 43, 3), np.uint8)
    hole = np.zeros((29, 43), bool)
    hole[5:20, 11:30] = True
    filled = fill(load_generator(checkpoint), image, hole)
    assert filled.offsets == []
    assert (filled.image[~hole] == image[~hole]).all()
    assert (filled.image[hole] != image[hole]).any()


def test_a_penalty_of_single_views_ends_the_run_in_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="expected the joint critic") as error:
        tiny_train(tmp_path, "critic=joint", "gan=wgan_gp")
    assert "\n" not in str(error.value)
