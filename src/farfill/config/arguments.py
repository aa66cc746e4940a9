"""The command line before Hydra reads it: names of files, names of settings, the last run."""

import functools
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from omegaconf import OmegaConf

from farfill import __version__
from farfill.errors import one_line_errors

#: Settings that are file names.
_PATHS = re.compile(r"ckpt_path|init_from|manifest|(data|mask)\.root|hydra\.(run|sweep)\.dir")
#: What Hydra's grammar takes without quotes, and values that are quoted, lists or references.
_UNQUOTED = re.compile(r"[\w./:%+@?|\- ]*|['\"\[$].*", re.ASCII | re.DOTALL)
#: Settings, or groups of them, by other names: our own of version 0.1, and those that users of
#: lightning-hydra-template type.
RENAMED = {
    "trainer.max_generator_steps": "trainer.max_steps",
    "trainer.validate_every": "trainer.val_check_interval",
    "trainer.log_every": "trainer.log_every_n_steps",
    "trainer.max_skipped": "module.max_skipped",
    "checkpoint.every": "callbacks.last_checkpoint.every_n_train_steps",
    "checkpoint.keep_steps": "callbacks.last_checkpoint.keep",
    "checkpoint.monitor": "callbacks.model_checkpoint.monitor",
    "checkpoint.mode": "callbacks.model_checkpoint.mode",
    "pictures": "callbacks.pictures.count",
    "attention_diagnostics.pictures": "callbacks.attention_diagnostics.pictures",
    "attention_diagnostics.tolerance": "callbacks.attention_diagnostics.tolerance",
    **{f"logger.{key}": f"logger.wandb.{key}" for key in ("project", "mode", "name", "group")},
    "data.batch_size": "batch_size",
    "data.num_workers": "datamodule.workers",
    "model.optimizer.lr": "learning_rate",
    "model.compile": "compile",
    "extras.print_config": "print_config",
}
#: Choice -> the package that has it, and the extra of ours that brings that.
PLUGINS = {
    "hydra/launcher=slurm": ("hydra_submitit_launcher", "cluster"),
    "hydra/launcher=slurm_ddp": ("hydra_submitit_launcher", "cluster"),
    "hydra/launcher=joblib": ("hydra_joblib_launcher", "cluster"),
    "hydra/sweeper=optuna": ("hydra_optuna_sweeper", "optuna"),
    "hparams_search=loss_weights": ("hydra_optuna_sweeper", "optuna"),
}
_LAST = "ckpt_path=last"


def command_line(main: Callable[[], object]) -> Callable[[], None]:
    """Let a Hydra entry point read the command line after :func:`prepared`."""

    @functools.wraps(main)
    def wrapped() -> None:
        given = [word.partition("=") for word in sys.argv[1:]]
        runs = next((value for name, _, value in given if name == "paths.log_dir"), "runs")
        sys.argv[1:] = one_line_errors(prepared)(sys.argv[1:], Path(runs))
        main()

    return wrapped


def prepared(arguments: Sequence[str], runs: Path) -> list[str]:
    """Old names become today's, file names are quoted, ``ckpt_path=last`` finds its run's folder.

    Args:
        arguments: Of the command line.
        runs: Folder of the days' folders of runs.

    Raises:
        ValueError: ``ckpt_path=last``, and there is no such run; or a plugin of Hydra's is missing.
    """
    if "--version" in arguments:
        print(f"farfill {__version__}")
        raise SystemExit
    check_plugins(arguments)
    return with_last_run(quote_paths(renamed(arguments)), runs)


def renamed(arguments: Iterable[str]) -> list[str]:
    """Arguments with today's names, see :data:`RENAMED`; what was changed is said in one line."""
    changed, said = [], []
    for argument in arguments:
        name, is_setting, value = argument.partition("=")
        prefix, bare = re.match(r"([+~]*)(.*)", name, re.DOTALL).groups()  # type: ignore[union-attr]
        today = RENAMED.get(bare) if is_setting else None
        if today:
            said.append(f"{bare} is {today}")
            argument = f"{prefix.replace('+', '')}{today}={value}"
        changed.append(argument)
    if said:
        print(f"farfill: names here: {', '.join(said)}", file=sys.stderr)
    return changed


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
    """Add ``hydra.run.dir`` of the latest run of the same command, if that is asked for.

    Raises:
        ValueError: There is no such run.
    """
    folders = ("hydra.run.dir=", "hydra.sweep.dir=", "-m", "--multirun")
    if _LAST not in arguments or any(argument.startswith(folders) for argument in arguments):
        return list(arguments)
    settings = _own(arguments)
    found = [
        file.parent
        for file in sorted(runs.glob("*/*/config.yaml"))
        if (given := overrides_of(file.parent)) is not None and _own(given) == settings
    ]
    if not found:
        raise ValueError(
            f"ckpt_path=last: no run below {runs} was started with these options; name its folder "
            "with hydra.run.dir=..."
        )
    return [*arguments, *quote_paths([f"hydra.run.dir={found[-1]}"])]


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
