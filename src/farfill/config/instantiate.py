"""The one place where a configuration is turned into objects."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import get_object
from hydra.utils import instantiate as hydra_instantiate
from omegaconf import DictConfig
from torch import nn

from farfill.config.keys import plain
from farfill.errors import reason_of
from farfill.machine import memory

#: What a configuration may name: our own code, and of libraries what a training is made of.
ALLOWED = (
    "farfill.",
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
        yield name, node, _find(node["_target_"], name)
    for key, value in node.items():
        yield from targets(value, f"{name}.{key}" if name else str(key))


def _find(target: Any, name: str) -> Callable[..., Any]:
    if not isinstance(target, str) or not target.startswith(ALLOWED):
        raise ValueError(
            f"`{name}._target_` may name code of Farfill, torch.nn, torch.optim, torchmetrics and "
            f"Lightning's trainer, callbacks and loggers, not {target!r}"
        )
    try:
        found = get_object(target)
    except Exception as error:  # importing may raise anything
        raise ValueError(
            f"expected `{name}._target_` to name a class or function, got {target!r}"
        ) from error
    if not callable(found) or inspect.ismodule(found):
        raise ValueError(f"expected `{name}._target_` to name a class or function, got {target!r}")
    return found


def instantiate(node: Any, **options: Any) -> Any:
    """Hydra's ``instantiate`` for the parts that a configuration may name.

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
        return hydra_instantiate(node, **options)
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
