"""``farfill-report DIR``: what a sweep's runs say about its question, and what more would say."""

import argparse
from pathlib import Path
from typing import Any

from farfill import __version__
from farfill.ablation.sweep import read_sweep, require_comparable
from farfill.errors import one_line_errors
from farfill.rundir.record import options

#: Of the extra ``report``: nothing else needs them.
LIBRARIES = ("matplotlib", "jinja2", "markdown_it")


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Write a sweep's report, as the command line or ``arguments`` say."""
    parser = argparse.ArgumentParser(
        description="Write ABLATION.md and ablation.html from the runs of a sweep's folder."
    )
    parser.add_argument("--version", action="version", version=f"farfill {__version__}")
    parser.add_argument("folder", type=Path, help="a sweep's folder, runs/<date>/<time>-<ablation>")
    optional: dict[str, Any] = {"nargs": "+", "default": []}
    compared = "cell that the others are compared with; default: the question's, or the first"
    parser.add_argument("--reference", metavar="KEY=VALUE", help=compared, **optional)
    changed = "keys that the swept options change besides their own"
    parser.add_argument("--varies", metavar="KEY", help=changed, **optional)
    given = parser.parse_args(arguments)
    try:
        from farfill.ablation.report import write_report
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        raise ValueError(f"the report needs {error.name}: pip install 'farfill[report]'") from error
    sweep = read_sweep(given.folder, options(given.reference), given.varies)
    print(write_report(sweep, given.folder))


@one_line_errors
def pilot(folder: Path) -> None:
    """Print the seeds and hours that each claim needs, by what a small sweep saw."""
    from farfill.ablation.tables import needs
    from farfill.ablation.verdict import judge_all

    sweep = read_sweep(folder, {}, [])
    require_comparable(sweep)
    if not (verdicts := judge_all(sweep)):
        raise ValueError(f"expected a sweep whose question has claims, got {folder}")
    print(needs(sweep, verdicts))
