"""What a configuration may name, and what becomes of what it names."""

import pytest
import torch
from omegaconf import OmegaConf

from farfill.config.instantiate import instantiate, instantiate_each
from farfill.errors import message_of


@pytest.mark.parametrize(
    "target",
    [
        "os.system",
        "builtins.eval",
        "subprocess.run",
        "torch.load",
        "torch.hub.load",
        "lightning.pytorch.cli.LightningCLI",
        "hydra.utils.instantiate",
        "farfillx.evil",
        7,
    ],
)
def test_other_code_is_refused_wherever_it_is_named(target):
    node = OmegaConf.create({"_target_": "torch.nn.Sequential", "a": [{"b": {"_target_": target}}]})
    with pytest.raises(ValueError, match=r"`.*a\.0\.b\._target_` may name code of Farfill"):
        instantiate(node)


def test_parts_are_made_and_those_switched_off_are_left_out():
    nodes = OmegaConf.create(
        {
            "layer": {"_target_": "torch.nn.Linear", "in_features": 2, "out_features": 1},
            "off": None,
            "bar": {"_target_": "farfill.callback.progress.progress_bar", "enabled": False},
        }
    )
    parts = instantiate_each(nodes)
    assert list(parts) == ["layer"]
    assert isinstance(parts["layer"], torch.nn.Linear)
    assert instantiate_each(None) == {}


def test_a_part_says_itself_what_is_wrong_and_python_needs_hydras_words():
    node = OmegaConf.create({"_target_": "farfill.loss.discounted_l1.DiscountedL1", "gamma": 2})
    with pytest.raises(Exception, match=r"DiscountedL1") as error:
        instantiate(node)
    assert "missing" in message_of(error.value)
    node = OmegaConf.create({"_target_": "lightning.pytorch.Trainer", "accelerator": "abacus"})
    with pytest.raises(ValueError, match="abacus") as error:
        instantiate(node)
    assert "Error in call" not in message_of(error.value)
