"""Are the options of every part of the kind that the part's code says?"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterator
from typing import Any, Literal, Union, get_args, get_origin

from hydra.utils import get_object
from omegaconf import DictConfig

from farfill.run.build import plain

_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a word",
          type(None): "null"}  # fmt: skip


def check_kinds(cfg: DictConfig) -> None:
    """Compare every option of everything that has a ``_target_`` with that code's annotations.

    Only plain kinds are looked at: numbers, words, true or false, null, and choices of these.

    Raises:
        ValueError: If one does not fit, before anything is built.
    """
    for name, value, hint in _options(plain(cfg)):
        if not _fits(value, hint):
            raise ValueError(f"expected `{name}` to be {_said(hint)}, got {value!r}")


def _options(node: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    if not isinstance(node, dict):
        return
    hints = _hints(node["_target_"]) if "_target_" in node else {}
    for key, value in node.items():
        name = f"{path}.{key}" if path else str(key)
        if key in hints:
            yield name, value, hints[key]
        yield from _options(value, name)


def _hints(target: str) -> dict[str, Any]:
    made = get_object(target)
    function = made.__init__ if inspect.isclass(made) else made
    hints = {}
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
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint is int:
        return isinstance(value, int) and not isinstance(value, bool)
    return isinstance(value, hint) if hint in _NAMES else True


def _said(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return " or ".join(_NAMES.get(part, str(part)) for part in parts)
