"""``farfill-report DIR``: what a sweep's runs say about its question."""

import argparse
from pathlib import Path

from farfill.errors import one_line_errors

#: Of the extra ``report``: nothing else needs them.
LIBRARIES = ("matplotlib", "jinja2", "markupsafe", "markdown_it")


@one_line_errors
def main(arguments: list[str] | None = None) -> None:
    """Entry point of ``farfill-report``.

    Args:
        arguments: Of the command line; None: those of the process.

    Raises:
        ValueError: The sweep cannot be reported, or a library is not installed.
    """
    parser = argparse.ArgumentParser(
        description="Write ABLATION.md and ablation.html from the runs of a sweep's folder."
    )
    parser.add_argument("folder", type=Path, help="a sweep's folder, runs/<date>/<time>-<ablation>")
    parser.add_argument(
        "--reference",
        nargs="+",
        default=[],
        metavar="KEY=VALUE",
        help="cell that the others are compared with; default: the question's, or the first",
    )
    parser.add_argument(
        "--varies",
        nargs="+",
        default=[],
        metavar="KEY",
        help="keys that the swept options change besides their own",
    )
    given = parser.parse_args(arguments)
    try:
        from farfill.ablation.report import write_report
    except ModuleNotFoundError as error:
        if error.name not in LIBRARIES:
            raise
        raise ValueError(f"the report needs {error.name}: pip install 'farfill[report]'") from error
    from farfill.ablation.sweep import read_sweep
    from farfill.rundir.record import options

    sweep = read_sweep(given.folder, options(given.reference), given.varies)
    print(write_report(sweep, given.folder))
