"""Names of settings: today's, earlier ones, other houses', and the nearest to a wrong one."""

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from omegaconf import OmegaConf

from farfill.config.paths import conf_dir
from farfill.text import did_you_mean

#: Settings, or whatever lies below one, by other names: our own of version 0.1, and those that
#: users of lightning-hydra-template type.
RENAMED = {
    "trainer.max_generator_steps": "trainer.max_steps",
    "trainer.validate_every": "trainer.val_check_interval",
    "trainer.log_every": "trainer.log_every_n_steps",
    "trainer.max_skipped": "module.max_skipped",
    "checkpoint.every": "callbacks.last_checkpoint.every_n_train_steps",
    "checkpoint.keep_steps": "callbacks.last_checkpoint.keep",
    "checkpoint.monitor": "callbacks.model_checkpoint.monitor",
    "checkpoint.mode": "callbacks.model_checkpoint.mode",
    "pictures": "callbacks.pictures.count",
    "attention_diagnostics.pictures": "callbacks.attention_diagnostics.pictures",
    "attention_diagnostics.tolerance": "callbacks.attention_diagnostics.tolerance",
    **{f"logger.{key}": f"logger.wandb.{key}" for key in ("project", "mode", "name", "group")},
    "data.batch_size": "batch_size",
    "data.num_workers": "datamodule.workers",
    "data.data_dir": "data.root",
    "paths.data_dir": "data.root",
    "model.optimizer.lr": "learning_rate",
    "model.optimizer": "optimizer",
    "model.compile": "compile",
    "trainer.resume_from_checkpoint": "ckpt_path",
    "extras.print_config": "print_config",
}
#: What lightning-hydra-template's users type, and what there is instead.
REFUSED = {
    "train": "src/train.py always trains, and src/evaluate.py scores a checkpoint",
    "test": "every run ends with a report, and src/evaluate.py scores any checkpoint",
    "optimized_metric": "a run returns the best callbacks.model_checkpoint.monitor to a search; "
    "set that, and callbacks.model_checkpoint.mode to min or max",
    "data.train_val_test_split": "data=folder takes data.val, a folder, or data.val_fraction",
    "data.pin_memory": "pictures are pinned wherever there is a GPU",
    "model.net": "its parts have names of their own, such as generator=, attention= and channels=",
    "model.scheduler": "schedule=cosine or schedule=constant, with settings such as "
    "schedule.warmup",
    "extras.enforce_tags": "tags are never asked for; tags=[first,try] gives them",
    "extras.ignore_warnings": "what nobody can act on is left out anyway; PYTHONWARNINGS=ignore "
    "hides the rest",
    "trainer.gpus": "trainer=gpu takes one, trainer=ddp trainer.devices=2 takes two",
}
#: Parts of libraries: what their code takes need not be listed in ``conf/`` to be set.
OF_LIBRARIES = ("trainer", "optimizer")
#: Groups whose options are parts side by side, by name.
SEVERAL = ("baseline", "callbacks", "logger", "loss")


def renamed(arguments: Iterable[str], config: str = "train") -> list[str]:
    """Arguments with today's names, see :data:`RENAMED`; what was changed is said in one line.

    A setting may also be added (``+``) that is there already, and one of :data:`OF_LIBRARIES` need
    not be: whoever types either means the value, not whether some file lists it. ``null`` for a
    group is its ``none``, or leaves it as it is where that chooses nothing.

    Args:
        arguments: As typed.
        config: File of ``conf/``; a name that it has stays.

    Raises:
        ValueError: One is among :data:`REFUSED`.
    """
    own: Any = OmegaConf.load(conf_dir() / f"{config}.yaml")
    chosen = {
        name: one for entry in own.defaults if entry != "_self_" for name, one in entry.items()
    }
    changed, said = [], []
    for argument in arguments:
        name, is_setting, value = argument.partition("=")
        prefix, bare = re.match(r"(\+*)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        if not is_setting or not re.match(r"\w", bare):
            changed.append(argument)
            continue
        if bare not in own:
            refuse_foreign(bare)
            if today := todays_name(bare):
                said.append(f"{bare} is {today}")
                prefix, bare = "", today
        group, _, key = bare.partition(".")
        unlisted = group in OF_LIBRARIES and key and key.partition(".")[0] not in listed(group)
        is_group = (conf_dir() / bare.partition("@")[0]).is_dir()
        if is_group and (value.isdecimal() or value.lower() in ("true", "false")):
            raise ValueError(no_option(bare, value))  # Hydra's words name no group
        if bare in chosen:  # Hydra has a + for other groups only, and no null
            prefix = ""
            if value == "null":
                if chosen[bare] is None:
                    continue
                value = _nothing(bare)
        changed.append(f"{'++' if unlisted or (prefix and not is_group) else prefix}{bare}={value}")
    if said:
        print(f"farfill: names here: {', '.join(said)}", file=sys.stderr)
    return changed


def todays_name(name: str) -> str:
    """What the setting ``name`` is called here, see :data:`RENAMED`; empty if it has no other."""
    if old := _at_or_above(name, RENAMED):
        return RENAMED[old] + name.removeprefix(old)
    return ""


def refuse_foreign(name: str) -> None:
    """Say in a ``ValueError`` what there is instead of a setting, see :data:`REFUSED`."""
    if foreign := _at_or_above(name, REFUSED):
        raise ValueError(f"there is no setting {foreign}: {REFUSED[foreign]}")


def _at_or_above(name: str, names: Iterable[str]) -> str:
    """Of dotted names the longest that ``name`` is or lies below; empty if there is none."""
    return max((one for one in names if f"{name}.".startswith(f"{one}.")), key=len, default="")


def _nothing(group: str) -> str:
    """What chooses nothing of a group; a ``ValueError`` of one that has to be chosen from."""
    if (conf_dir() / group / "none.yaml").is_file():
        return "none"
    if group in SEVERAL:
        return "[]"
    raise ValueError(no_option(group, "null"))


@cache
def listed(group: str) -> frozenset[str]:
    """Names that the options of a group give to what lies directly below it in a configuration."""
    names: set[Any] = set()
    for file in (conf_dir() / group).glob("*.yaml"):
        content: Any = OmegaConf.load(file)
        said = re.match(r"# @package ([\w.]+)", file.read_text(encoding="utf-8"))
        package = said[1] if said else group
        if package == "_global_":
            names |= (content.get(group) or {}).keys()
        elif package == group:
            names |= content.keys() - {"defaults"}
        elif package.startswith(f"{group}."):
            names.add(package.split(".")[1])
    return frozenset(map(str, names))


def no_setting(full_name: str, parent: Any) -> str:
    """A sentence on a setting that is none, with the name that was probably meant.

    Args:
        full_name: Dotted.
        parent: The node of the configuration in which it is not, or the names there.
    """
    group, _, name = full_name.rpartition(".")
    refused = f"there is no setting {full_name}"
    folder = conf_dir() / group
    having = [file.stem for file in folder.glob("*.yaml") if group and name in OmegaConf.load(file)]
    if group in SEVERAL and name in listed(group):
        choice = {"callbacks": f"[default,{name}]", "logger": name}.get(group, f"[...,{name}]")
        return f"{refused}, because it was not chosen: {group}={choice} does that"
    if having:
        return f"{refused} here: {group}={', '.join(sorted(having))} would have it"
    groups = {folder.name for folder in conf_dir().iterdir() if folder.is_dir()}
    known = {*map(str, parent)} if group else {*map(str, parent), *groups}
    if (chosen := group or name) in groups and not (group and known):
        return f"there is no setting in {chosen}, which is a group: {chosen}=... chooses one"
    below = [] if group else [one for one in dotted(parent) if one.endswith(f".{name}")]
    if below:
        return f"{refused}: did you mean {min(below, key=len)}?"
    return f"{refused}: {_hint(name, known, group)}"


def dotted(node: Any) -> Iterator[str]:
    """Names of all values of a configuration but Hydra's own."""
    values: Any = OmegaConf.to_container(node)
    pending = [(str(key), value) for key, value in values.items()]
    for name, value in pending:
        if isinstance(value, dict):
            pending += [(f"{name}.{key}", below) for key, below in value.items()]
        elif not name.startswith("hydra."):
            yield name


def no_option(group: str, option: str, known: Iterable[str] | None = None) -> str:
    """A sentence on an option that a group has not, with the nearest of those ``known``."""
    known = known or [file.stem for file in (conf_dir() / group).glob("*.yaml")]
    return f"{group or 'conf'} has no option {option}: {_hint(option, known)}"


def _hint(name: str, known: Iterable[str], group: str = "") -> str:
    known = sorted(known)
    words = f"it is one of {', '.join(known)}" if 0 < len(known) < 20 else "--help lists them"
    return did_you_mean(name, known, words, group)
