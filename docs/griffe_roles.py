"""For the API page: a docstring's :class:`~package.module.Name` reads as ``Name``."""

import re
from typing import Any

import griffe

ROLE = re.compile(r":(?:class|func|mod|data|meth|math):`(~?)([^`]+)`")


class Roles(griffe.Extension):
    """Replaces the roles, which only Sphinx knows, while mkdocstrings reads the source."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rewrite the docstring of every module, class, function and attribute."""
        if obj.docstring:
            obj.docstring.value = ROLE.sub(_code, obj.docstring.value)


def _code(role: re.Match[str]) -> str:
    short, name = role.groups()
    return f"`{name.rpartition('.')[2] if short else name}`"
