"""Bad input ends in one sentence, not in a traceback."""

import functools
import io
import logging
import os
import sys
import warnings
from collections.abc import Callable
from typing import TypeVar

from hydra.core.hydra_config import HydraConfig
from hydra.errors import InstantiationException
from hydra.types import RunMode
from omegaconf import OmegaConf

from farfill.text import log_traceback, one_line, say

Result = TypeVar("Result")

#: Errors that say what is wrong with the input, a machine too small for it included.
_OF_THE_USER = (ValueError, OSError, MemoryError, InstantiationException)


#: Warnings of libraries that nobody who runs a command can act on, as regular expressions.
UNSAID = (
    ".*does not have many workers.*",
    ".*resuming from a checkpoint that ended.*",  # the stream starts where the run was cut
    ".*LeafSpec.*",
    ".*Detected call of `lr_scheduler.step.*",  # of a first update that was skipped
    ".*It is recommended to use `self.log.*",  # what is logged is reduced already
    ".*`srun` command is available.*",  # on a login node one trains without it
    ".*The dirpath has changed.*",  # the best of another folder is not the best of this one
    ".*is not supported by the model summary.*",  # its megabytes are those of float32
    ".*Checkpoint directory .* exists and is not empty.*",  # of a run that goes on
)
#: Loggers of libraries that advertise, or say what nobody asked: only their warnings are wanted.
UNASKED = (
    "lightning.pytorch.utilities.rank_zero",
    "lightning.pytorch.trainer.connectors.checkpoint_connector",
)


def one_line_errors(function: Callable[..., Result]) -> Callable[..., Result]:
    """Print a ``ValueError``, ``OSError`` and the like as one line and exit with status 2.

    ``FARFILL_TRACEBACK=1`` shows where it came from. In a sweep the line goes into the run's log
    and Hydra goes on with the next run; it reports the failure at the end.
    """

    @functools.wraps(function)
    def wrapped(*args: object, **kwargs: object) -> Result:
        _calm_output()
        try:
            return function(*args, **kwargs)
        except KeyboardInterrupt:
            say("farfill: stopped", error=True)
            raise SystemExit(130) from None
        except Exception as error:
            reason = reason_of(error)
            if isinstance(reason, BrokenPipeError) and not _in_run():
                # Whoever reads, such as head, has what it wants; Python would flush once more.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise SystemExit(141) from None
            if in_sweep():
                logging.getLogger(__name__).error(message_of(error))
                raise
            if not _is_refusal(reason) or os.environ.get("FARFILL_TRACEBACK"):
                if HydraConfig.initialized():
                    log_traceback(error)
                raise
            say(f"farfill: {message_of(error)}", error=True)
            raise SystemExit(2) from None

    return wrapped


def _calm_output() -> None:
    """Let nothing that is printed end a command, and leave unsaid what nobody can act on."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # a file's name may hold what is no letter
        sys.stdout.reconfigure(errors="backslashreplace")
    if HydraConfig.initialized():
        logging.captureWarnings(True)  # into the run's log, too
    warnings.filterwarnings("ignore", module=r"PIL\.")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")
    for name in ("lightning", "lightning.pytorch", "lightning.fabric"):
        logging.getLogger(name).handlers.clear()  # Hydra's write the same, to train.log too
        logging.getLogger(name).propagate = True
    for name in UNASKED:
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in UNSAID:
        warnings.filterwarnings("ignore", message=message)


def _in_run() -> bool:
    """Whether a folder of Hydra's is this run's, unlike while ``--help`` is printed."""
    return HydraConfig.initialized() and not OmegaConf.is_missing(
        HydraConfig.get().runtime, "output_dir"
    )


def in_sweep() -> bool:
    """Whether this is one of several runs that Hydra starts one after the other."""
    return HydraConfig.initialized() and HydraConfig.get().mode == RunMode.MULTIRUN


def message_of(error: BaseException) -> str:
    """What went wrong, in one line; with the error's kind where it was not foreseen."""
    reason = reason_of(error)
    text = one_line(reason)
    if isinstance(reason, OSError) and reason.filename and reason.strerror:
        place = one_line(str(reason.filename))
        text = f"{place} cannot be used ({reason.strerror}): mend that, or name another place"
    kind = type(reason).__name__
    return text if _is_refusal(reason) or text == kind else f"{kind}: {text}"


def reason_of(error: BaseException) -> BaseException:
    """What the part that was being made had to say, without Hydra's words around it.

    Python's own errors need those words: they tell which part does not take its options.
    """
    inner: BaseException | None = error
    while isinstance(inner, InstantiationException):
        inner = inner.__cause__
    if str(error).startswith("Unable to configure") and isinstance(error.__cause__, OSError):
        return error.__cause__  # of the run's log; it names the file
    return inner if inner is not None and _is_refusal(inner) else error


def _is_refusal(error: BaseException) -> bool:
    # Lightning's own kind, by its name: importing Lightning takes a second.
    return isinstance(error, _OF_THE_USER) or type(error).__name__ == "MisconfigurationException"
