"""The one place where a configuration is turned into objects, after a look at every option."""

import inspect
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import UnionType
from typing import Any, Literal, Protocol, Union, get_args, get_origin, get_type_hints

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object
from hydra.utils import instantiate as hydra_instantiate
from omegaconf import DictConfig, OmegaConf
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError
from torch import nn

from farfill.errors import reason_of
from farfill.machine import memory
from farfill.text import did_you_mean

#: What a configuration may name: our own code, and of libraries what a training is made of.
ALLOWED = (
    "farfill.",
    "albumentations.",
    "lightning.Trainer",
    "lightning.pytorch.Trainer",
    "lightning.pytorch.trainer.Trainer",
    "lightning.pytorch.callbacks.",
    "lightning.pytorch.loggers.",
    "lightning.pytorch.profilers.",
    "lightning.pytorch.strategies.",
    "torch.nn.",
    "torch.optim.",
    "torchmetrics.",
)
#: Settings that no part's code speaks of.
_SETTINGS: dict[str, Any] = {
    "ckpt_path": str | None,
    "init_from": str | None,
    "print_config": bool,
    "task_name": str,
    "tags": list[str],
    "stage.trained": list[str] | None,
    "stage.alone": list[float] | None,
    "detail": bool | None,
    "device": str,
    "manifest": str | None,
    "trainer.devices": int | str | list[int],
}
#: Groups of several parts by name; null switches one off.
_SEVERAL = ("baseline", "callbacks", "datamodule.augment", "logger", "loss", "metric.distances")
_ABSENT = object()
_WORDS: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a word",
    type(None): "null",
}
_STRICT = ConfigDict(strict=True, arbitrary_types_allowed=True)


def plain(config: Any) -> Any:
    """Plain dictionaries, lists and values, interpolations resolved."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config


def targets(node: Any, name: str = "") -> Iterator[tuple[str, dict[str, Any], Callable[..., Any]]]:
    """Every part below a node of plain values: its dotted name, its options, what makes it.

    Raises:
        ValueError: A ``_target_`` names nothing, or code that a configuration may not name.
    """
    if isinstance(node, list):
        for number, value in enumerate(node):
            yield from targets(value, f"{name}.{number}")
    if not isinstance(node, dict):
        return
    if "_target_" in node:
        target = node["_target_"]
        if not isinstance(target, str) or not target.startswith(ALLOWED):
            raise ValueError(
                f"`{name}._target_` may name code of Farfill, torch.nn, torch.optim, torchmetrics, "
                f"albumentations and Lightning's trainer, callbacks and loggers, not {target!r}"
            )
        try:
            code = get_object(target)
            if not callable(code):
                raise TypeError(f"a {type(code).__name__} makes nothing")
        except Exception as error:  # importing may raise anything
            raise ValueError(
                f"expected `{name}._target_` to name a class or function, got {target!r}"
            ) from error
        yield name, node, code
    for key, value in node.items():
        yield from targets(value, f"{name}.{key}" if name else str(key))


def instantiate(node: Any, **options: Any) -> Any:
    """Hydra's ``instantiate`` for the parts that a configuration may name.

    Parts get plain lists and dictionaries: OmegaConf's would take a dataclass in them for settings.

    Args:
        node: Of a configuration, with a ``_target_``.
        options: Replace those of the node.

    Raises:
        ValueError: A ``_target_`` below it names other code, see :data:`ALLOWED`, or a part refuses
            its options.
        InstantiationException: A part does not take its options.
    """
    for _ in targets(plain(node)):
        pass
    try:
        return hydra_instantiate(node, _convert_="all", **options)
    except InstantiationException as error:
        reason = reason_of(error)
        if reason is error:  # Python's own words need Hydra's around them: which part it was
            raise
        raise ValueError(str(reason)) from error


def instantiate_each(nodes: DictConfig | None) -> dict[str, Any]:
    """Every part of a group that takes several, by name; those that are switched off are left out.

    A group is absent from the configuration if nothing of it is chosen.
    """
    parts = {name: instantiate(node) for name, node in (nodes or {}).items() if node is not None}
    return {str(name): part for name, part in parts.items() if part is not None}


def check_networks(generator: DictConfig, critic: DictConfig) -> None:
    """Refuse networks that no memory holds; filling it would end the process without a word.

    Raises:
        ValueError: If so, or if their numbers make no network.
    """
    try:
        with torch.device("meta"):  # where numbers take no memory
            networks: list[nn.Module] = [instantiate(generator), instantiate(critic)]
    except InstantiationException as error:
        reason = str(error.__cause__).partition("\n")[0]
        raise ValueError(
            f"cannot build the networks ({reason}): look at the numbers of generator and critic"
        ) from error
    sizes = [value.numel() * value.element_size() for net in networks for value in net.parameters()]
    if sum(sizes) > memory().total:
        raise ValueError(
            f"the networks' weights take {sum(sizes) / 1e9:.3g} GB, more than this machine has: "
            "lower `channels` or `critic_channels`"
        )


def check_kinds(cfg: DictConfig) -> None:
    """Compare every option of everything that has a ``_target_`` with that code's annotations.

    Only plain kinds are looked at, numbers, words, true or false, null, and choices of these, and
    whether parts are parts.

    Raises:
        ValueError: If one does not fit, or the code has no such option, before anything is built.
    """
    check_settings(cfg, _SETTINGS)
    for group in _SEVERAL:
        parts = plain(OmegaConf.select(cfg, group)) or {}
        if not isinstance(parts, dict):
            raise ValueError(f"expected `{group}` to be parts by name, or null, got {parts!r}")
        for name, node in parts.items():
            if node is not None and not (isinstance(node, dict) and "_target_" in node):
                raise ValueError(
                    f"expected `{group}.{name}` to be a part with `_target_`, or null, got {node!r}"
                )
    for name, options, code in targets(plain(cfg)):
        function = code.__init__ if inspect.isclass(code) else code
        hints: dict[str, Any] = {"_partial_": bool}
        with suppress(NameError):  # known to a type checker only: nothing a configuration holds
            hints |= get_type_hints(function)
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
        hint = did_you_mean(str(option), parameters, f"it takes {', '.join(parameters) or 'none'}")
        raise ValueError(f"`{name}` has no option {option}: {hint}")


def _check(name: str, value: Any, kind: Any) -> None:
    if not _fits(value, kind):
        raise ValueError(f"expected `{name}` to be {_said(kind)}, got {value!r}")


def _fits(value: Any, kind: Any) -> bool:
    kinds = set(_leaves(kind))
    if isinstance(value, dict):  # a part, or several by name: these are looked at by themselves
        choices = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
        several = any(choice is Any or get_origin(choice) in (dict, Mapping) for choice in choices)
        return several or ("_target_" in value and not kinds <= _WORDS.keys())
    if not kinds & _WORDS.keys():
        return not any(_is_protocol(leaf) for leaf in kinds)
    if isinstance(value, float) and math.isnan(value):
        return False
    for form in (value, (*value,)) if isinstance(value, list) else (value,):
        try:
            TypeAdapter(kind, config=_STRICT).validate_python(form)
            return True
        except ValidationError:
            continue
        except (PydanticUserError, SchemaError, TypeError):  # a kind that pydantic does not know
            return True
    return False


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
        return f"a list, every item {_said(*get_args(kind))}"
    if get_origin(kind) in (Union, UnionType):
        return " or ".join(dict.fromkeys(map(_said, get_args(kind))))
    return _WORDS.get(kind, "a part with `_target_`")
