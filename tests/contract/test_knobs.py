"""Every knob reaches every option of every group, or is refused by name."""

from pathlib import Path

import pytest
from omegaconf import OmegaConf

import farfill
from farfill.config.check import check_knobs, check_known_keys, idle_knobs
from farfill.config.paths import conf_dir
from helpers.compose import composed

#: Sweeps, settings of Hydra's own, and other commands.
ELSEWHERE = {"ablation", "hparams_search", "hydra", "run"}
LISTS = {"baseline", "loss"}
OPTIONS = [
    (file.parent.name, file.stem)
    for file in sorted(conf_dir().glob("*/*.yaml"))
    if file.parent.name not in ELSEWHERE
]
KNOBS = {
    name
    for name, value in OmegaConf.load(conf_dir() / "train.yaml").items()
    if not OmegaConf.is_config(value)
}
#: Read by the commands themselves, as ``cfg.<name>``.
READ_BY_CODE = {"ckpt_path", "init_from", "print_config"}
LABEL = "task_name"  # of a run, in its config.yaml
RATE = {"attention_rate"}
#: Attentions that compare no patches on a smaller grid.
WITHOUT_RATE = ("appearance_flow", "identity", "none", "shift", "stn")
#: Further cells, which have one of these or a rate of their own.
CELLS = (
    *("appearance_flow_random", "appearance_flow_random_untrained", "stn_untrained"),
    *("contextual", "contextual_rate_2", "untrained"),
)
IDLE = {
    ("gan", "none"): {"critic_steps", "adversarial_share"},
    ("experiment", "photographs"): {"critic_steps", "adversarial_share"},
    ("generator", "glcic"): {"attention"} | RATE,
    ("model", "glcic"): {"attention"} | RATE,
    ("model", "full_rate_1"): RATE,
    ("model", "no_attention"): RATE,
    **{("attention", name): RATE for name in WITHOUT_RATE},
    **{("cell", name): RATE for name in (*WITHOUT_RATE, *CELLS)},
}


def typed(group, option):
    return f"{group}=[{option}]" if group in LISTS else f"{group}={option}"


def resolved(cfg):
    return OmegaConf.to_container(cfg, resolve=True)


@pytest.mark.parametrize(("group", "option"), OPTIONS, ids=lambda value: str(value))
def test_every_knob_reaches_this_option_or_is_refused(group, option):
    cfg = composed(typed(group, option))
    idle = IDLE.get((group, option), set())
    assert idle_knobs(cfg) - {"backbone"} == idle
    before = resolved(cfg)
    for knob in KNOBS - READ_BY_CODE - idle - {LABEL}:
        moved = cfg.copy()
        moved[knob] = 0.5 if cfg[knob] is None else cfg[knob] * 2 + 4
        after = resolved(moved)
        assert after | {knob: None} != before | {knob: None}, f"{knob} does nothing here"
        check_knobs(moved, [f"{knob}={moved[knob]}"], {})
    for knob in idle:
        with pytest.raises(ValueError, match=f"^{knob} does nothing with ") as error:
            check_knobs(cfg, [f"{knob}=3"], {})
        assert "\n" not in str(error.value)


def test_the_other_knobs_are_read_by_the_commands():
    source = "".join(file.read_text() for file in Path(farfill.__file__).parent.rglob("*.py"))
    assert KNOBS >= READ_BY_CODE
    for name in READ_BY_CODE:
        assert f"cfg.{name}" in source


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["gan=none", "critic_steps=5"], "critic_steps does nothing with gan=none: leave it out"),
        (["gan=none", "adversarial_share=0.5"], "adversarial_share does nothing with gan=none"),
        (["model=glcic", "attention=shift"], "attention does nothing with generator=glcic"),
        (["generator=glcic", "attention.rate=4"], "attention does nothing with generator=glcic"),
        (["attention=stn", "attention_rate=2"], "attention_rate does nothing with attention=stn"),
        (["backbone=vgg16"], r"backbone does nothing with loss=\[discounted_l1,known_l1\]"),
        (["backbone.layers=[stem]"], "backbone does nothing with loss="),
    ],
)
def test_what_does_nothing_is_refused_with_the_choice(overrides, says):
    cfg = composed(*overrides, hydra=True)
    choices = dict(cfg.hydra.runtime.choices)
    typed_in = list(cfg.hydra.overrides.task)
    with pytest.raises(ValueError, match=says):
        check_knobs(composed(*overrides), typed_in, choices)


@pytest.mark.parametrize(
    "overrides",
    [
        ["gan=none"],
        ["gan=none", "critic_channels=8"],  # its critics are saved, and may learn later
        ["gan=none", "scale=quick"],  # what an option sets was not typed
        ["gan=hinge", "critic_steps=5"],
        ["backbone=vgg16", "loss=[perceptual]"],
        ["schedule=constant", "trainer.max_steps=7"],
        ["compile=true", "callbacks=none", "logger=none", "init_from=a.ckpt"],
    ],
)
def test_what_does_something_is_not(overrides):
    check_knobs(composed(*overrides), overrides, {})


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("+sed=9", "there is no setting sed: did you mean seed?"),
        ("+learnin_rate=3", "did you mean learning_rate?"),
        ("+atention=shift", "did you mean attention?"),
        ("+max_steps=3", "no setting max_steps: did you mean trainer.max_steps?"),
        ("+callbak.x=1", "no setting callbak: did you mean callbacks?"),
        ("+zzz=1", "no setting zzz: --help lists them"),
        ("+callbacks.x=1", "no setting callbacks.x: it is one of attention_diagnostics, "),
        (
            "+callbacks.heelth.stop=true",
            "no setting callbacks.heelth: did you mean callbacks.health?",
        ),
        ("+callbacks.early_stopping.patience=2", r"callbacks=\[default,early_stopping\] does that"),
        ("+loss.style.weight=2", r"it was not chosen: loss=\[...,style\] does that"),
        ("+logger.wandb.project=x", "it was not chosen: logger=wandb does that"),
        ("+baseline.foo=3", "no setting baseline.foo: "),
        ("+stage.trained_parts=1", "no setting stage.trained_parts: did you mean stage.trained?"),
        ("+sweep.dryrun=true", "no setting sweep.dryrun: did you mean sweep.dry_run?"),
        ("+paths.log_dirs=x", "no setting paths.log_dirs: did you mean paths.log_dir?"),
        ("+question.claim=[]", "no setting question.claim: did you mean question.claims?"),
        ("+model.channels=1", "no setting in model, which is a group: model=... chooses one"),
        ("+augment.hue=1", "no setting in augment, which is a group"),
        ("+data.batch_size=3", "no setting data.batch_size: it is batch_size here"),
        ("+model.optimizer.lr=3", "no setting model.optimizer.lr: it is learning_rate here"),
        ("+model.scheduler.factor=3", "no setting model.scheduler: schedule=cosine"),
    ],
)
def test_a_key_that_nothing_reads_is_refused_with_the_nearest(override, says, tmp_path):
    """Typed, or in a file of ``experiment/``."""
    with pytest.raises(ValueError, match=says) as error:
        check_known_keys(composed(override, "logger=none"))
    assert "\n" not in str(error.value)
    name, _, value = override.lstrip("+").partition("=")
    content = OmegaConf.create()
    OmegaConf.update(content, name, OmegaConf.create(f"x: {value}").x)
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "mine.yaml").write_text(
        f"# @package _global_\n{OmegaConf.to_yaml(content)}"
    )
    found = [f"hydra.searchpath=[file://{tmp_path}]", "experiment=mine", "logger=none"]
    with pytest.raises(ValueError, match=says):
        check_known_keys(composed(*found))


def test_own_keys_may_be_added_where_something_reads_them():
    check_known_keys(composed("+width=8", "channels=${width}"))
    check_known_keys(composed("+my.width=8", "channels=${my.width}"))
    check_known_keys(composed("+paths.disk=/x", "data=folder", "data.root=${paths.disk}/y"))
    check_known_keys(composed("callbacks.health=null"))
    for name in sorted(file.stem for file in (conf_dir() / "ablation").glob("*.yaml")):
        check_known_keys(composed(f"ablation={name}"))
