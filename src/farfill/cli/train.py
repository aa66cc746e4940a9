"""``farfill-train``: the page ``src/train.py``, which an installed package brings along."""

import runpy

from farfill.config.paths import script


def main() -> None:
    """Entry point of ``farfill-train``."""
    runpy.run_path(str(script("train")), run_name="__main__")
