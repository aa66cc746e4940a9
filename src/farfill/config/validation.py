"""Are the options of every part of the kind that the part's code says?"""

import inspect
import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from types import UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from farfill.config.instantiate import targets
from farfill.config.keys import plain

#: Settings that no part's code speaks of.
_SETTINGS: dict[str, Any] = {
    "ckpt_path": str | None,
    "init_from": str | None,
    "print_config": bool,
    "task_name": str,
    "tags": list[str],
    "stage.trained": list[str] | None,
    "device": str,
    "manifest": str | None,
    "trainer.devices": int | str | list[int],
}
_ABSENT = object()
_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
    type(None): "null",
}
_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)


def check_kinds(cfg: DictConfig) -> None:
    """Compare every option of everything that has a ``_target_`` with that code's annotations.

    Only plain kinds are looked at, numbers, words, true or false, null, and choices of these, and
    whether parts are parts.

    Raises:
        ValueError: If one does not fit, or the code has no such option, before anything is built.
    """
    check_settings(cfg, _SETTINGS)
    for name, options, code in targets(plain(cfg)):
        function = code.__init__ if inspect.isclass(code) else code
        hints = {"_partial_": bool, **_hints(function)}
        _check_names(name, options, code)
        for option, kind in hints.items():
            if option in options:
                _check(f"{name}.{option}", options[option], kind)


def check_settings(cfg: DictConfig, kinds: Mapping[str, Any]) -> None:
    """Compare settings with the kinds that they have to be of, by name; absent ones are left out.

    Raises:
        ValueError: If one does not fit.
    """
    for name, kind in kinds.items():
        value = OmegaConf.select(cfg, name, default=_ABSENT)
        if value is not _ABSENT:
            _check(name, plain(value), kind)


def _check_names(name: str, options: Mapping[str, Any], code: Any) -> None:
    parameters = inspect.signature(code).parameters
    if any(value.kind is value.VAR_KEYWORD for value in parameters.values()):
        return
    for option in options.keys() - parameters.keys() - {"_target_", "_partial_", "_recursive_"}:
        near = get_close_matches(str(option), parameters, n=1)
        hint = f"did you mean {near[0]}?" if near else f"it takes {', '.join(parameters) or 'none'}"
        raise ValueError(f"`{name}` has no option {option}: {hint}")


def _hints(function: Any) -> dict[str, Any]:
    try:
        return get_type_hints(function)
    except NameError:  # known to a type checker only: nothing that a configuration holds
        return {}


def _check(name: str, value: Any, kind: Any) -> None:
    if not _fits(value, kind):
        raise ValueError(f"expected `{name}` to be {_said(kind)}, got {value!r}")


def _fits(value: Any, kind: Any) -> bool:
    kinds = set(_leaves(kind))
    if isinstance(value, dict):  # a part, or several by name: these are looked at by themselves
        choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        parts = [choice for choice in choices if choice not in _WORDS]
        return any("_target_" in value or not _is_protocol(part) for part in parts)
    if not kinds & _WORDS.keys():
        return not any(_is_protocol(leaf) for leaf in kinds)
    if isinstance(value, float) and math.isnan(value):
        return False
    try:
        return _validates(value, kind) or (isinstance(value, list) and _validates((*value,), kind))
    except (PydanticUserError, SchemaError, TypeError):  # a kind that pydantic does not know
        return True


def _validates(value: Any, kind: Any) -> bool:
    try:
        TypeAdapter(kind, config=_STRICT).validate_python(value)
    except ValidationError:
        return False
    return True


def _leaves(kind: Any) -> Iterator[Any]:
    """The kinds that a kind is made of: of ``list[int] | None``, int and None's."""
    if get_origin(kind) is Literal:
        yield from map(type, get_args(kind))
    elif arguments := (kind if isinstance(kind, list) else get_args(kind)):  # of a callable
        for argument in arguments:
            yield from _leaves(argument)
    else:
        yield kind


def _is_protocol(kind: Any) -> bool:
    return bool(inspect.isclass(kind) and issubclass(kind, Protocol))


def _said(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    if get_origin(kind) in (list, Sequence):
        return f"a list, and {_said(*get_args(kind))} each of it"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_said, get_args(kind))))
    return _WORDS.get(kind, "a part with `_target_`")
