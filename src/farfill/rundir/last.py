"""``ckpt_path=last`` goes on with the latest run of the same command, wherever that lies."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from omegaconf import OmegaConf

from farfill.errors import one_line_errors

#: Where runs lie unless ``hydra.run.dir`` says otherwise, as in ``conf/train.yaml``.
RUNS = Path("runs")
_OPTION = "ckpt_path=last"
_FOLDERS = ("hydra.run.dir=", "hydra.sweep.dir=", "-m", "--multirun")


def last_run(main: Callable[[], object]) -> Callable[[], None]:
    """Let a Hydra entry point find the folder that ``ckpt_path=last`` means."""

    @functools.wraps(main)
    def wrapped() -> None:
        sys.argv[1:] = one_line_errors(with_folder)(sys.argv[1:], RUNS)
        main()

    return wrapped


def with_folder(arguments: Sequence[str], runs: Path) -> list[str]:
    """Add ``hydra.run.dir`` of the latest run of the same command, if that is asked for.

    Args:
        arguments: Of the command line.
        runs: Folder of the days' folders of runs.

    Raises:
        ValueError: There is no such run.
    """
    if _OPTION not in arguments or any(one.startswith(_FOLDERS) for one in arguments):
        return list(arguments)
    wanted = _same([one for one in arguments if not one.startswith(("-", "hydra."))])
    found = [
        path.parent.parent
        for path in sorted(runs.glob("*/*/.hydra/overrides.yaml"))
        if (path.parents[1] / "config.yaml").is_file()
        and _same(map(str, OmegaConf.load(path))) == wanted
    ]
    if not found:
        raise ValueError(
            f"ckpt_path=last: no run below {runs} was started with these options; name its folder "
            "with hydra.run.dir=..."
        )
    return [*arguments, f"hydra.run.dir={found[-1]}"]


def _same(overrides: Iterable[str]) -> set[str]:
    """What has to agree: all options but that one, in any order."""
    return {one for one in overrides if one != _OPTION}
