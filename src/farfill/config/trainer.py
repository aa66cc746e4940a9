"""Lightning's Trainer, told to count generator steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning import Callback, Trainer
from lightning.pytorch.callbacks import ProgressBar
from lightning.pytorch.loggers import Logger
from lightning.pytorch.plugins.environments import SLURMEnvironment
from lightning.pytorch.strategies import DDPStrategy
from lightning.pytorch.utilities.exceptions import MisconfigurationException

DDP = "ddp"
#: What the module does itself, because Lightning cannot under manual optimisation.
OURS = ("gradient_clip_val", "gradient_clip_algorithm", "accumulate_grad_batches", "max_skipped")
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
    "fast_dev_run": "it writes nothing; use `trainer.max_generator_steps=2` instead",
    "default_root_dir": "use `hydra.run.dir` instead",
    "logger": "use `logger=wandb` or `logger=none` instead",
    "callbacks": "the run's own callbacks are fixed in farfill/cli/train.py",
}


class AverageInModule(DDPStrategy):
    """Lightning's processes without its wrapper around the module, which averages gradients itself.

    The wrapper expects one backward pass per forward pass through all parameters. Here one step has
    several, each for one player, one of them through a gradient.
    """

    def configure_ddp(self) -> None:
        """Leave the module as it is."""


def check_flags(flags: Mapping[str, Any]) -> None:
    """Refuse what manual optimisation cannot honour, before anything expensive happens.

    Raises:
        ValueError: If a flag is refused, or a count is not positive.
    """
    for name, value in flags.items():
        if name in _REFUSED and value is not None:
            raise ValueError(f"`trainer.{name}` is refused: {_REFUSED[name]}")
    _check_update(flags)
    several = flags["devices"] not in (1, "1") and not _one_chosen(flags["devices"])
    if several and flags["strategy"] != DDP:
        raise ValueError(
            f"expected `trainer.devices` to be 1, or a list of one, got {flags['devices']}: "
            "trainer=ddp takes several"
        )
    devices = flags["devices"]
    if isinstance(devices, int) and devices < 1 and devices != -1:
        raise ValueError(
            f"expected `trainer.devices` to be a number from 1, a list, auto or -1, got {devices}"
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
    for name in ("max_generator_steps", *OURS):  # the data module and the module count these
        del rest[name]
    if rest["strategy"] == DDP:
        rest["strategy"] = AverageInModule()
    # Else Lightning adds a bar of its own.
    rest["enable_progress_bar"] = any(isinstance(one, ProgressBar) for one in callbacks)
    try:
        return Trainer(
            max_epochs=1,
            plugins=_slurm(),
            use_distributed_sampler=False,  # the data module shares out every batch itself
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


def _check_update(flags: Mapping[str, Any]) -> None:
    if str(flags["precision"]).startswith(("16", "transformer-engine-float16")):
        raise ValueError(
            f"expected `trainer.precision` to be 32-true, bf16-mixed or 64-true, got "
            f"{flags['precision']}: float16 overflows in the gradient penalty; bf16-mixed does not"
        )
    clip, by = flags["gradient_clip_val"], flags["gradient_clip_algorithm"]
    if clip is not None and (isinstance(clip, bool | str) or not 0 < clip < float("inf")):
        raise ValueError(f"expected `trainer.gradient_clip_val` above 0 or null, got {clip}")
    if by not in ("norm", "value"):
        raise ValueError(
            f"expected `trainer.gradient_clip_algorithm` to be norm or value, got {by}"
        )
    for name in ("accumulate_grad_batches", "max_skipped"):
        if type(flags[name]) is not int or flags[name] < 1:
            raise ValueError(
                f"expected `trainer.{name}` to be a whole number from 1, got {flags[name]}"
            )


def _slurm() -> list[Any]:
    """Under SLURM its tasks are the processes; requeueing is left to submitit."""
    return [SLURMEnvironment(auto_requeue=False)] if SLURMEnvironment.detect() else []


def _one_chosen(devices: Any) -> bool:
    return not isinstance(devices, str | int) and devices is not None and len(devices) == 1
