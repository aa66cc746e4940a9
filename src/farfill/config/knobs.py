"""A knob that does nothing is a lie: settings that no chosen part reads are refused by name."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any

from omegaconf import DictConfig, OmegaConf

from farfill.config.paths import conf_dir

#: Groups that nothing builds by itself: other parts take them in by ``${...}``.
_SHARED_GROUPS = {"attention", "backbone", "data", "mask"}
_LABELS = {"tags"}  # kept in config.yaml, whether a logger shows them or not
_OF_ABLATIONS = {"question"}  # and its claims, which the report reads
_REFERENCE = re.compile(r"\$\{(?:oc\.select:)?(\w+)")


def check_knobs(cfg: DictConfig, overrides: Iterable[str], choices: Mapping[str, Any]) -> None:
    """Refuse settings of the command line that no part of this run reads.

    In a sweep over a group a knob may reach some runs and not others; this is for single runs.

    Args:
        cfg: Whole configuration (``conf/train.yaml``).
        overrides: What was typed, such as ``critic_steps=5`` (Hydra's ``overrides.task``).
        choices: Group -> option (Hydra's ``runtime.choices``, which has no lists), for the message.

    Raises:
        ValueError: Names the setting and the choice with which it does nothing.
    """
    idle = idle_knobs(cfg)
    for override in overrides:
        name = re.split(r"[=.@/]", override.lstrip("+~"), maxsplit=1)[0]
        if name in idle:
            group = min(_readers()[name])
            option = choices.get(group) or f"[{','.join(cfg.get(group) or ())}]"
            raise ValueError(
                f"{name} does nothing with {group}={option}: leave it out, or "
                f"choose another {group}"
            )


def check_known_keys(cfg: DictConfig) -> None:
    """Refuse top-level keys, added by ``+key=...``, that are no setting and that nothing reads.

    Raises:
        ValueError: Names the key, and the setting that was probably meant.
    """
    train = OmegaConf.load(conf_dir() / "train.yaml")
    groups = {name for entry in train.defaults if isinstance(entry, Mapping) for name in entry}
    known = groups | train.keys() | _OF_ABLATIONS
    read = set().union(*_references(cfg).values())
    for name in map(str, cfg):
        if name not in known | read:
            near = get_close_matches(name, sorted(known - {"defaults"}), n=1)
            hint = f"did you mean {near[0]}?" if near else "conf/train.yaml lists the settings"
            raise ValueError(f"there is no setting {name}, and nothing reads it: {hint}")


def idle_knobs(cfg: DictConfig) -> set[str]:
    """Top-level names that other options would read, but none of the chosen parts does."""
    references = _references(cfg)
    values = {str(name) for name in cfg if not OmegaConf.is_dict(cfg[name])}
    pending = references.keys() - values - _SHARED_GROUPS
    read: set[str] = set()
    while pending:
        read |= pending
        pending = set().union(*(references.get(name, set()) for name in pending)) - read
    candidates = (values - _LABELS | _SHARED_GROUPS & references.keys()) - read
    return candidates & _readers().keys()


def _references(cfg: DictConfig) -> dict[str, set[str]]:
    """Top-level name -> the top-level names that its values refer to."""
    texts = OmegaConf.to_container(cfg, resolve=False)
    assert isinstance(texts, dict)
    return {str(name): set(_REFERENCE.findall(str(text))) for name, text in texts.items()}


@cache
def _readers() -> Mapping[str, set[str]]:
    """Top-level name -> the groups of which an option refers to it."""
    readers = defaultdict(set)
    for file in conf_dir().glob("*/*.yaml"):
        for name in _REFERENCE.findall(file.read_text(encoding="utf-8")):
            readers[name].add(file.parent.name)
    return readers
