"""File names of any letters reach the configuration as they were typed."""

from __future__ import annotations

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from farfill.config.quoting import quote_paths

NAMES = [
    "photo.jpg", "na\u00efve (1).jpg", "it's.png", "a=b, c.png", "~/x.png", "back\\slash.png",
    "{a}.png", "\u5199\u771f.png", "a\\'b\\", "with space.png", "100%.png",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_name_arrives(name):
    (argument,) = quote_paths([f"image={name}"], ["image"])
    override = OverridesParser.create().parse_override(argument)
    assert override.value() == name


@pytest.mark.parametrize(
    "argument",
    ["image='a b.png'", "image=[a.png,b.png]", "image=${x}", "seed=(1)", "--help", "mask=box"],
)
def test_everything_else_stays(argument):
    assert quote_paths([argument], ["image", "mask"]) == [argument]


def test_a_sweep_keeps_its_commas():
    arguments = ["-m", "init_from=a(1).ckpt,b.ckpt"]
    assert quote_paths(arguments) == arguments


def test_a_choice_of_another_command_is_no_file_name():
    """``attention`` is a file of inpaint.py, and a group to sweep over of train.py."""
    arguments = ["ablation=attention", "attention=stn,shift"]
    assert quote_paths(arguments) == arguments
    assert quote_paths(arguments, ["attention"]) != arguments
