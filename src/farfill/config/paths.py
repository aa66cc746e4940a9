"""Where the configuration lies."""

from __future__ import annotations

from pathlib import Path

import farfill


def conf_dir() -> Path:
    """The folder ``conf/``: beside ``src/`` in a clone, inside the package when installed."""
    package = Path(farfill.__file__).resolve().parent
    clone = package.parents[1] / "conf"
    return clone if clone.is_dir() and package.parent.name == "src" else package / "conf"
