"""The command line: file names, names of settings, the last run, and Hydra's refusals in words."""

import functools
import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import (
    HydraException,
    InstantiationException,
    MissingConfigException,
    OverrideParseException,
)
from omegaconf import OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError

from farfill import __version__
from farfill.config.names import no_option, no_setting, renamed
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors

#: Settings that are file names.
_PATHS = re.compile(r"ckpt_path|init_from|manifest|(data|mask)\.root|hydra\.(run|sweep)\.dir")
#: What Hydra's grammar takes without quotes, and values that are quoted, lists or references.
_UNQUOTED = re.compile(r"[\w./:%+@?|\- ]*|['\"\[$].*", re.ASCII | re.DOTALL)
#: Choice -> the package that has it, and the extra of ours that brings that.
PLUGINS = {
    "hydra/launcher=slurm": ("hydra_submitit_launcher", "cluster"),
    "hydra/launcher=slurm_ddp": ("hydra_submitit_launcher", "cluster"),
    "hydra/launcher=joblib": ("hydra_joblib_launcher", "cluster"),
    "hydra/sweeper=optuna": ("hydra_optuna_sweeper", "optuna"),
    "hparams_search=loss_weights": ("hydra_optuna_sweeper", "optuna"),
}
_LAST = "ckpt_path=last"


Translation = Callable[[Sequence[str], Path], Sequence[str]]


def command_line(
    translate: Translation | None = None, config: str = "train"
) -> Callable[[Callable[[], object]], Callable[[], None]]:
    """Let a Hydra entry point read today's names and quoted file names, and refuse in one sentence.

    Args:
        translate: What else happens to the arguments; it gets the folder of all runs, too.
        config: File of ``conf/``; a name that it has is no old one.
    """

    def decorate(main: Callable[[], object]) -> Callable[[], None]:
        @functools.wraps(main)
        @one_line_errors
        def wrapped() -> None:
            given = sys.argv[1:]
            if "--version" in given:
                print(f"farfill {__version__}")
                return
            check_plugins(given)
            arguments: Sequence[str] = quote_paths(renamed(given, config))
            if translate:
                words = (word.partition("=") for word in given)
                runs = next((value for name, _, value in words if name == "paths.log_dir"), "runs")
                arguments = translate(arguments, Path(runs))
            sys.argv[1:] = arguments
            with explained(config):
                main()

        return wrapped

    return decorate


@contextmanager
def explained(config: str = "train") -> Iterator[None]:
    """Turn what Hydra refuses into a ``ValueError`` of one sentence, with the nearest known name.

    Of a sweep that an ablation makes, Hydra refuses a list of values where something else is wrong:
    the configuration, a file of ``conf/``, is composed without the list to find out.

    Whoever sets ``HYDRA_FULL_ERROR=1`` gets Hydra's own error, and where it came from.
    """
    if "HYDRA_FULL_ERROR" in os.environ:
        yield
        return
    os.environ["HYDRA_FULL_ERROR"] = "1"  # otherwise Hydra prints its errors and ends the process
    try:
        yield
    except InstantiationException:  # of a part, which has told what is wrong
        raise
    except HydraException as error:
        if str(error).startswith("Ambiguous value"):
            error = _without_lists(config) or error
        raise ValueError(_sentence(error)) from error
    finally:
        del os.environ["HYDRA_FULL_ERROR"]


def _without_lists(config: str) -> HydraException | None:
    """What Hydra says to the arguments without those that have several values."""
    given = [argument for argument in sys.argv[1:] if not argument.startswith("-")]
    folder, _, name = config.rpartition("/")
    try:
        parsed = OverridesParser.create().parse_overrides(given)
        single = [str(each.input_line) for each in parsed if not each.is_sweep_override()]
        with initialize_config_dir(str(conf_dir() / folder), version_base="1.3"):
            compose(name, single)
    except HydraException as error:
        return error
    return None


def _sentence(error: HydraException) -> str:
    cause = error.__cause__
    if isinstance(error, MissingConfigException) and error.missing_cfg_file:
        group, _, option = error.missing_cfg_file.rpartition("/")
        return no_option(group, option, error.options)
    missing = re.match(r"Could not override '(\w+)'", str(error))
    if missing and (conf_dir() / missing[1]).is_dir():
        return f"this command has no {missing[1]}=: what a checkpoint was made with stands in it"
    if isinstance(error, OverrideParseException):
        return (
            f"expected name=value, got {error.override}; a value with commas, brackets or other "
            "special characters needs quotes"
        )
    if isinstance(cause, ConfigKeyError | ConfigAttributeError) and cause.parent_node is not None:
        return no_setting(str(cause.full_key), cause.parent_node)
    # In further lines Hydra says how to add what is not there.
    return str(error).partition("\nTo append")[0] or str(cause).partition("\n")[0]


def quote_paths(arguments: Sequence[str]) -> list[str]:
    """Quote values of settings that are file names where Hydra's grammar would stumble.

    ``ckpt_path=naïve (1).ckpt`` becomes ``ckpt_path='naïve (1).ckpt'``. Values that are quoted
    already, lists and interpolations stay as they are, and so does a comma in a sweep (``-m``).
    """
    quoted = list(arguments)
    if "-m" in arguments or "--multirun" in arguments:
        return quoted
    for number, argument in enumerate(arguments):
        name, is_setting, value = argument.partition("=")
        if is_setting and _PATHS.fullmatch(name) and not _UNQUOTED.fullmatch(value):
            # A backslash means something only where it meets a quote.
            escaped = re.sub(r"(\\*)('|$)", lambda m: m[1] * 2 + ("\\'" if m[2] else ""), value)
            quoted[number] = f"{name}='{escaped}'"
    return quoted


def with_last_run(arguments: Sequence[str], runs: Path) -> list[str]:
    """Say which run ``ckpt_path=last`` and ``init_from=last`` or ``best`` mean.

    The former gets ``hydra.run.dir`` of the latest run of the same command, the latter the file.

    Raises:
        ValueError: There is no such run, or it is a sweep without its folder.
    """
    arguments = with_newest("init_from", arguments, runs)
    folders, sweeps = ("hydra.run.dir=", "hydra.sweep.dir="), ("ablation=", "hparams_search=")
    multirun = {"-m", "--multirun"} & {*arguments}
    sweep = bool(multirun) or any(argument.startswith(sweeps) for argument in arguments)
    # A sweep has no use for the folder of a single run.
    if _LAST not in arguments or any(one.startswith(folders[sweep:]) for one in arguments):
        return list(arguments)
    if sweep:
        raise ValueError(
            "ckpt_path=last finds single runs; the same command with hydra.sweep.dir=runs/... "
            "instead goes on with a sweep"
        )
    settings = _own(arguments)
    files = _in_runs(runs, "config.yaml", levels=2)
    found = [
        file.parent
        for file in sorted(files, key=lambda file: file.stat().st_mtime_ns)
        if not (file.parent.parent / "multirun.yaml").exists()  # that is a sweep's
        and (given := overrides_of(file.parent)) is not None
        and _own(given) == settings
    ]
    if not found:
        raise ValueError(
            f"ckpt_path=last: no run below {runs} was started with these options; name its folder "
            "with hydra.run.dir=..."
        )
    return [*arguments, *quote_paths([f"hydra.run.dir={found[-1]}"])]


def with_newest(setting: str, arguments: Iterable[str], runs: Path) -> list[str]:
    """Give ``setting=last`` and ``best`` the file of :func:`newest_checkpoint`."""

    def named(argument: str) -> str:
        name, _, value = argument.lstrip("+").partition("=")
        if name != setting or value not in ("last", "best"):
            return argument
        return quote_paths([f"{setting}={newest_checkpoint(value, runs)}"])[0]

    return [*map(named, arguments)]


def newest_checkpoint(name: str, runs: Path) -> Path:
    """``checkpoints/<name>.ckpt`` of the run, or the run of a sweep, that saved one last.

    Args:
        name: ``last`` or ``best``.
        runs: Folder of runs, ``<name>``, ``<day>/<time>`` and ``<day>/<time>/<number>``.

    Raises:
        ValueError: There is none.
    """
    files = _in_runs(runs, f"checkpoints/{name}.ckpt", levels=3)
    if not files:
        raise ValueError(f"{name}: no run below {runs} has saved a {name}.ckpt; name the file")
    newest = max(files, key=lambda file: file.stat().st_mtime_ns)
    print(f"farfill: {name} is {newest}", file=sys.stderr)
    return newest


def _in_runs(runs: Path, name: str, levels: int) -> list[Path]:
    """That file of every run at most so many levels below ``runs``."""
    places = ("*", "*/*", "*/*/*")[:levels]
    files = [file for place in places for file in runs.glob(f"{place}/{name}")]
    return [file for file in files if ".hydra" not in file.parts]


def overrides_of(folder: Path) -> list[str] | None:
    """Overrides with which the run in ``folder`` was started; None if no readable file says so.

    What the run wrote itself counts: Hydra's file is that of the last command, one that was
    refused included, and all that older runs have.
    """
    for file in (folder / "overrides.yaml", folder / ".hydra" / "overrides.yaml"):
        try:
            given = OmegaConf.to_container(OmegaConf.load(file))
        except Exception:  # a damaged file makes the parser say anything
            continue
        if isinstance(given, list):
            return [*map(str, given)]
    return None


def flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """Every plain value by its dotted key; an empty mapping is a value."""
    values: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, dict) and value:
            values |= {f"{key}.{rest}": below for rest, below in flat(value).items()}
        else:
            values[str(key)] = value
    return values


def is_under(key: str, tops: Iterable[str]) -> bool:
    """Whether the dotted ``key`` is one of ``tops`` or lies below one."""
    return any(key == top or key.startswith(f"{top}.") for top in tops)


def _own(arguments: Iterable[str]) -> set[str]:
    """What makes it another run: not how long it is, how it is watched, where it lies."""
    free = ("-", "hydra.", "trainer", "callbacks", "logger", "paths", "tags", "task_name", "print")
    return {item for item in arguments if not item.lstrip("+~").startswith(free)} - {_LAST}


def check_plugins(choices: Iterable[str]) -> None:
    """Refuse arguments, before Hydra reads them, that choose a plugin which is missing.

    Raises:
        ValueError: Says what to install.
    """
    for choice in choices:
        package, extra = PLUGINS.get(choice, ("", ""))
        if package and not is_installed(package):
            raise ValueError(
                f"{choice} needs a package that is not installed: pip install 'farfill[{extra}]'"
            )


def is_installed(plugin: str) -> bool:
    """Whether a plugin of Hydra's is there: ``hydra_optuna_sweeper``."""
    try:
        return find_spec(f"hydra_plugins.{plugin}") is not None
    except ModuleNotFoundError:  # there is no plugin at all
        return False
