"""Configurations as plain values, and their dotted keys."""

from collections.abc import Iterable, Mapping
from typing import Any

from omegaconf import OmegaConf


def plain(config: Any) -> Any:
    """Plain dictionaries, lists and values, interpolations resolved."""
    return OmegaConf.to_container(config, resolve=True) if OmegaConf.is_config(config) else config


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted key; an empty mapping is a value."""
    values: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            values |= {f"{key}.{rest}": below for rest, below in flat(value).items()}
        else:
            values[str(key)] = value
    return values


def is_under(key: str, tops: Iterable[str]) -> bool:
    """Whether the dotted ``key`` is one of ``tops`` or lies below one."""
    return any(key == top or key.startswith(f"{top}.") for top in tops)
