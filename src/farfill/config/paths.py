"""Where the configuration and the scripts lie."""

from pathlib import Path

import farfill


def conf_dir() -> Path:
    """The folder ``conf/``: beside ``src/`` in a clone, inside the package when installed."""
    package = Path(farfill.__file__).resolve().parent
    clone = package.parents[1] / "conf"
    return clone if clone.is_dir() and package.parent.name == "src" else package / "conf"


def script(name: str) -> Path:
    """``src/<name>.py`` in a clone, ``scripts/<name>.py`` inside the package when installed."""
    package = Path(farfill.__file__).resolve().parent
    clone = package.parent / f"{name}.py"
    in_clone = clone.is_file() and package.parent.name == "src"
    return clone if in_clone else package / "scripts" / f"{name}.py"
