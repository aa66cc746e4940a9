"""Lightning's Trainer, told to count generator steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning import Callback, Trainer
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities.exceptions import MisconfigurationException

_COUNT = "it does not count generator steps; use `trainer.{}` instead"
_REFUSED = {
    "max_steps": _COUNT.format("max_generator_steps"),
    "min_steps": _COUNT.format("max_generator_steps"),
    "max_epochs": _COUNT.format("max_generator_steps"),
    "min_epochs": _COUNT.format("max_generator_steps"),
    "limit_train_batches": _COUNT.format("max_generator_steps"),
    "overfit_batches": _COUNT.format("max_generator_steps"),
    "val_check_interval": _COUNT.format("validate_every"),
    "check_val_every_n_epoch": _COUNT.format("validate_every"),
    "log_every_n_steps": _COUNT.format("log_every"),
    "gradient_clip_val": "Lightning cannot clip under manual optimisation; leave it out",
    "gradient_clip_algorithm": "Lightning cannot clip under manual optimisation; leave it out",
    "accumulate_grad_batches": "Lightning cannot accumulate under manual optimisation; "
    "raise `batch_size` instead",
    "fast_dev_run": "it writes nothing; use `trainer.max_generator_steps=2` instead",
    "default_root_dir": "use `hydra.run.dir` instead",
    "logger": "use `logger=wandb` or `logger=none` instead",
    "callbacks": "the run's own callbacks are fixed in farfill/run/train.py",
}


def check_flags(flags: Mapping[str, Any]) -> None:
    """Refuse what manual optimisation cannot honour, before anything expensive happens.

    Raises:
        ValueError: If a flag is refused, or a count is not positive.
    """
    for name, value in flags.items():
        if name in _REFUSED and value is not None:
            raise ValueError(f"`trainer.{name}` is refused: {_REFUSED[name]}")
    if flags["devices"] not in (1, "1") and not _one_chosen(flags["devices"]):
        raise ValueError(
            f"expected `trainer.devices` to be 1, or a list of one, got {flags['devices']}: "
            "a run is one process on one device"
        )
    for name in ("max_generator_steps", "validate_every", "log_every"):
        if not isinstance(flags[name], int) or flags[name] < 1:
            raise ValueError(
                f"expected `trainer.{name}` to be a positive number, got {flags[name]}"
            )


def build_trainer(
    flags: Mapping[str, Any], callbacks: Sequence[Callback], loggers: Sequence[Logger], folder: str
) -> Trainer:
    """Make a Trainer; one batch of the data module is one generator step.

    Args:
        flags: ``max_generator_steps``, ``validate_every``, ``log_every``; the rest is Lightning's.
        callbacks: What watches the run.
        loggers: Where metrics go.
        folder: Where Lightning may write.
    """
    check_flags(flags)
    rest = {name: value for name, value in flags.items() if name not in _REFUSED}
    del rest["max_generator_steps"]  # the data module holds just as many
    # Else Lightning adds a bar of its own.
    rest["enable_progress_bar"] = any(isinstance(one, ProgressBar) for one in callbacks)
    try:
        return Trainer(
            max_epochs=1,
            check_val_every_n_epoch=None,
            val_check_interval=rest.pop("validate_every"),
            log_every_n_steps=rest.pop("log_every"),
            callbacks=list(callbacks),
            logger=list(loggers),
            default_root_dir=folder,
            enable_checkpointing=False,
            enable_model_summary=False,
            **rest,
        )
    except (TypeError, ValueError, MisconfigurationException) as error:
        raise ValueError(f"Lightning refuses the trainer's settings: {error}") from error


def _one_chosen(devices: Any) -> bool:
    return not isinstance(devices, str | int) and devices is not None and len(devices) == 1
