"""``python ablations/report.py DIR``: what a sweep's runs say about its question."""

from __future__ import annotations

import argparse
from pathlib import Path

from farfill.errors import one_line_errors


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``ablations/report.py``.

    Args:
        arguments: Of the command line; None: those of the process.
    """
    from farfill.ablation.report import report
    from farfill.ablation.sweep import read_sweep
    from farfill.callback.pictures import TITLES
    from farfill.sweep.plan import options

    parser = argparse.ArgumentParser(
        description="Write ABLATION.md and ablation.html from the runs of a sweep's folder."
    )
    parser.add_argument("folder", type=Path, help="a sweep's folder, runs/<date>/<time>-<ablation>")
    parser.add_argument("--reference", nargs="+", default=[], metavar="KEY=VALUE",
                        help="cell that the others are compared with; default: the question's, "
                        "or the first")  # fmt: skip
    parser.add_argument("--varies", nargs="+", default=[], metavar="KEY",
                        help="keys that the swept options change besides their own")  # fmt: skip
    given = parser.parse_args(arguments)
    sweep = read_sweep(given.folder, options(given.reference), given.varies)
    print(report(sweep, given.folder, TITLES))
