"""Options of the wrong kind are named before anything is built."""

import pytest
from hydra import compose, initialize_config_dir

from farfill.config.instantiate import check_kinds
from farfill.config.paths import conf_dir

GROUPS = (
    "attention",
    "gan",
    "loss",
    "critic",
    "generator",
    "mask",
    "data",
    "optimizer",
    "schedule",
    "experiment",
    "model",
    "stage",
    "baseline",
    "scale",
)


def config(*overrides: str):
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        return compose("train", ["paths.output_dir=.", *overrides])


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("attention.rate=abc", "`attention.rate` to be a whole number, got 'abc'"),
        ("attention.softmax_scale=x", "`attention.softmax_scale` to be a number, got 'x'"),
        ("attention.propagation=x", "`attention.propagation` to be a whole number or null"),
        ("attention.stride=1.5", "`attention.stride` to be a whole number, got 1.5"),
        ("attention.stride=true", "`attention.stride` to be a whole number, got True"),
        ("gan.weight=abc", "`gan.weight` to be a number, got 'abc'"),
        ("data.period=[x]", "`data.period` to be a list, every item a whole number, got ['x']"),
        ("datamodule.source=null", "`datamodule.source` to be a part with `_target_`, got None"),
        ("stage.trained=[1]", "`stage.trained` to be a list, every item a word or null, got"),
        ("trainer.devices=0.5", "`trainer.devices` to be a whole number or a word or a list"),
        ("gan.weight=nan", "`gan.weight` to be a number, got nan"),
        ("attention._target_=farfill.no", "`attention._target_` to name a class or function, got"),
        ("gan.weight=null", "`gan.weight` to be a number, got None"),
        ("+callbacks.x=1", "`callbacks.x` to be a part with `_target_`, or null, got 1"),
        ("+logger.x={a: 1}", "`logger.x` to be a part with `_target_`, or null, got {'a': 1}"),
        ("+loss.x=1", "`loss.x` to be a part with `_target_`, or null, got 1"),
        ("+baseline.x=y", "`baseline.x` to be a part with `_target_`, or null, got 'y'"),
        ("+datamodule.augment.x=1", "`datamodule.augment.x` to be a part"),
        ("+metric.distances.x=1", "`metric.distances.x` to be a part"),
    ],
)
def test_a_wrong_kind_is_named(override, message):
    with pytest.raises(ValueError, match="expected") as caught:
        check_kinds(config(override))
    assert message in str(caught.value)


def test_a_choice_is_named():
    with pytest.raises(ValueError, match=r"`attention\.start` to be identity or random, got 'far'"):
        check_kinds(config("attention=stn", "attention.start=far"))


@pytest.mark.parametrize("group", GROUPS)
def test_every_option_of_ours_fits(group):
    for file in sorted((conf_dir() / group).glob("*.yaml")):
        name = f"[{file.stem}]" if group in ("loss", "baseline") else file.stem
        check_kinds(
            config(
                f"{group}={name}",
                *(
                    ["data.root=x"]
                    if group == "data" and file.stem not in ("sample", "known_source", "textures")
                    else []
                ),
            )
        )
