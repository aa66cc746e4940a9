"""What every source of pictures offers."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple, Protocol


class Split(NamedTuple):
    """Picture files, in an order that depends on nothing but the files.

    Attributes:
        train: What is learnt from.
        val: What is measured on; shares no file with ``train``.
    """

    train: list[Path]
    val: list[Path]


class Source(Protocol):
    """Knows which picture files there are.

    Attributes:
        resize: Shorter side in pixels to which every picture is scaled, up or down; None = as is.
        on_error: What an unreadable picture does: ``"raise"`` or ``"skip"``.
        cache: Whether all pictures, read and scaled, are few enough to stay in memory.
    """

    resize: int | None
    on_error: str
    cache: bool

    def split(self) -> Split:
        """Find the files; one side may be empty.

        Raises:
            ValueError: The split cannot be made; one sentence says why and what to do.
            FileNotFoundError: A folder or list is missing; likewise.
        """
        ...
