"""Are the options of every part of the kind that the part's code says?"""

from __future__ import annotations

import inspect
import math
import types
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf

from farfill.config.build import plain

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a word",
          type(None): "null"}  # fmt: skip


#: Those that no part's code speaks of.
_SETTINGS = {
    "ckpt_path": str | None, "init_from": str | None, "compile": bool,
    "stage.trained": list[str] | None,
    "checkpoint.keep_steps": bool, "attention_diagnostics.tolerance": float,
    "attention_diagnostics.pictures": int, "device": str, "manifest": str | None,
    "trainer.devices": int | str | list[int] | None,
}  # fmt: skip
_ABSENT = object()


def check_kinds(cfg: DictConfig) -> None:
    """Compare every option of everything that has a ``_target_`` with that code's annotations.

    Only plain kinds are looked at, numbers, words, true or false, null, and choices of these, and
    whether parts are parts.

    Raises:
        ValueError: If one does not fit, before anything is built.
    """
    check_settings(cfg, _SETTINGS)
    for name, value, hint in _options(plain(cfg)):
        _check(name, value, hint)


def check_settings(cfg: DictConfig, kinds: Mapping[str, Any]) -> None:
    """Compare settings with the kinds that they have to be of, by name; absent ones are left out.

    Raises:
        ValueError: If one does not fit.
    """
    for name, kind in kinds.items():
        value = OmegaConf.select(cfg, name, default=_ABSENT)
        if value is not _ABSENT:
            _check(name, plain(value) if OmegaConf.is_config(value) else value, kind)


def _check(name: str, value: Any, kind: Any) -> None:
    if not _fits(value, kind):
        raise ValueError(f"expected `{name}` to be {_said(kind)}, got {value!r}")


def _options(node: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(node, dict):
        return
    hints = _hints(node["_target_"], path) if "_target_" in node else {}
    for key, value in node.items():
        name = f"{path}.{key}" if path else str(key)
        if key in hints:
            yield name, value, hints[key]
        yield from _options(value, name)


def _hints(target: Any, path: str) -> dict[str, Any]:
    try:
        made = get_object(target)
    except Exception as error:
        raise ValueError(
            f"expected `{path}._target_` to name a class or function, got {target!r}"
        ) from error
    function = made.__init__ if inspect.isclass(made) else made
    hints: dict[str, Any] = {"_partial_": bool}
    for name, annotation in getattr(function, "__annotations__", {}).items():
        try:
            hints[name] = _evaluated(annotation, function.__globals__)
        except NameError:  # known to a type checker only: nothing that a configuration holds
            continue
    return hints


def _evaluated(annotation: Any, names: dict[str, Any]) -> Any:
    return eval(annotation, names) if isinstance(annotation, str) else annotation


def _fits(value: Any, hint: Any) -> bool:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return any(_fits(value, one) for one in get_args(hint))
    if origin is Literal:
        return value in get_args(hint)
    if origin in (list, Sequence):
        return isinstance(value, list) and all(_fits(one, *get_args(hint)) for one in value)
    if getattr(hint, "_is_protocol", False):
        return isinstance(value, dict) and "_target_" in value
    return _is_plain(value, hint) if hint in _NAMES else True


def _is_plain(value: Any, kind: type) -> bool:
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int) or (isinstance(value, float) and not math.isnan(value))
    return isinstance(value, kind)


def _said(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    if get_origin(hint) in (list, Sequence):
        return f"a list, and {_said(*get_args(hint))} each of it"
    if get_origin(hint) in (Union, types.UnionType):
        return " or ".join(map(_said, get_args(hint)))
    return _NAMES.get(hint, "a part with `_target_`")
