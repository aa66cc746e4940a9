"""Dotted keys of a configuration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every value by its dotted key; an empty mapping is a value."""
    found: dict[str, Any] = {}

    def walk(node: Any, prefix: str) -> None:
        if isinstance(node, dict) and node:
            for key, value in node.items():
                walk(value, f"{prefix}.{key}" if prefix else str(key))
        else:
            found[prefix] = node

    walk(config, "")
    return found


def below(key: str, tops: Iterable[str]) -> bool:
    """Whether ``key`` is one of ``tops`` or lies below one."""
    return any(key == top or key.startswith(f"{top}.") for top in tops)
