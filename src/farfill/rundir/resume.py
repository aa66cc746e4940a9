"""A run's folder: whose it is, and where a run in it goes on."""

import shlex
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from farfill.checkpoint import (
    check_format,
    check_training,
    describe,
    load_weights,
    read_checkpoint,
    refuse_interpolations,
)
from farfill.config.arguments import flat, is_under, quote_paths
from farfill.config.check import check_boxes
from farfill.config.instantiate import plain
from farfill.datamodule.inpainting import InpaintingData
from farfill.errors import in_sweep, message_of
from farfill.files import atomic, read_rows, remove_parts
from farfill.module.inpainting import Inpainting
from farfill.module.trainer_parts import is_first, limits
from farfill.rundir.status import (
    BEGUN,
    LIMITS,
    State,
    here,
    hours,
    is_done,
    lock_run_dir,
    now,
    read_status,
    write_status,
)
from farfill.text import counted, say
from farfill.types import Diverged

#: What a run that goes on may change: how long, how it is watched, where its files are ...
_FREE = (
    *("ablation", "baseline", "callbacks", "ckpt_path", "compile", "init_from", "logger", "metric"),
    *("module.compile", "module.max_skipped", "module.metrics", "paths", "print_config"),
    *("question", "sweep", "tags", "task_name", "trainer"),
)
#: ... and of data and schedule what has one of these names.
_FREE_ENDS = ("max_file_pixels", "root", "steps", "val_batch_size", "val_limit", "workers")


class Stopped(BaseException):
    """A signal ends the run.

    Args:
        step: Generator steps that the run has behind it, if known where it was raised.
    """

    def __init__(self, step: int | None = None) -> None:
        super().__init__(step)
        self.step = step


class Run:
    """One training in its folder.

    Args:
        cfg: Whole configuration (``conf/train.yaml``).

    Attributes:
        folder: Of the run.
        checkpoint: To go on from; None: from nothing.
        step: Generator steps that it has behind it.
        value: Best of the monitored metric, what a sweeper may minimise; None: not validated.
        short: Whether its time was over before its last step.

    Raises:
        ValueError: The folder holds another run, or there is none to go on with.
    """

    def __init__(self, cfg: DictConfig) -> None:
        self.cfg = cfg
        self.folder = Path(cfg.paths.output_dir)
        self.checkpoint = _find_checkpoint(cfg, self.folder)
        self._read = {} if self.checkpoint is None else _check_resume(cfg, self.checkpoint)
        self.step = int(self._read.get("global_step", 0))
        self.value: float | None = None
        self.short = False
        self._skipped: dict[str, int] = {}
        self._inside = (
            self.checkpoint is not None
            and self.folder.resolve() in self.checkpoint.resolve().parents
        )
        if self.checkpoint and not self._inside and 0 < cfg.trainer.max_steps <= self.step:
            raise ValueError(
                f"{self.checkpoint} has done all its generator steps already: raise "
                "trainer.max_steps to go on"
            )

    def _check_metrics(self) -> None:
        """Refuse a damaged ``metrics.csv``; say if rows are missing."""
        path, every = self.folder / "metrics.csv", self.cfg.trainer.log_every_n_steps or 0
        last = max((int(row["step"]) for row in read_rows(path)), default=-1)
        if every and last < self.step // every * every - 1:  # Lightning counts rows from 0
            say(
                f"farfill: {path} has no rows between generator steps {last + 1} and {self.step}, "
                "where this run goes on: its curves will have a gap",
                error=True,
            )

    def is_done(self) -> bool:
        """Whether a sweep's run has ended well before, and no earlier than was asked for now.

        Raises:
            ValueError: If so, and it is no sweep's.
        """
        if not is_done(self.folder, limits(self.cfg.trainer)):
            return False
        if not in_sweep():
            raise ValueError(
                f"the run in {self.folder} is done: raise trainer.max_steps (or max_epochs, or "
                "max_time) to go on, or choose another hydra.run.dir"
            )
        say(f"Done already: {self.folder}")
        self.value = read_status(self.folder).get("value")
        return True

    def prepare(self, module: Inpainting, data: InpaintingData) -> None:
        """Give them what the run has so far, and look at both, before anything is written.

        Raises:
            ValueError: They cannot be used.
        """
        module.description = describe(plain(self.cfg))
        self._skipped = module.skipped
        if self.checkpoint is not None:
            check_training(module, self._read, self.checkpoint)
            data.load_state_dict(self._read.get(type(data).__qualname__) or {"step": self.step})
            if self._inside and is_first():
                self._check_metrics()
            self._read = {}  # it may take much memory, and Lightning reads it again
        else:
            module.configure_optimizers()  # which refuses what cannot be
            if self.cfg.init_from is not None:
                load_weights(module, self.cfg.init_from)
        if str(self.cfg.trainer.precision).startswith("64"):
            module.double()  # Lightning does it after it has read a checkpoint, and so loses half
        data.setup("fit")
        check_boxes(data, module.critics)

    def introduction(self, module: Inpainting) -> str:
        """What is about to happen, in a few lines; with ``print_config`` all settings before."""
        cfg = self.cfg
        steps = int(cfg.trainer.fast_dev_run) or cfg.trainer.max_steps
        epochs = cfg.trainer.max_epochs
        ends = [counted(steps, "generator step")] * (steps > 0)
        ends += [counted(epochs or 0, "epoch")] * bool(epochs)
        critic_steps = counted(module.gan.critic_steps, "critic step")
        parameters = sum(p.numel() for p in module.generator.parameters())
        attention = cfg.attention._target_ if "attention" in cfg.generator else "none"
        begins = cfg.init_from is not None and self.checkpoint is None
        return (
            (f"{OmegaConf.to_yaml(cfg, resolve=True)}\n" if cfg.print_config else "")
            + f"Farfill: {' or '.join(ends)} with {critic_steps} each, "
            f"batch {cfg.batch_size}, {cfg.image_size} px pictures, {cfg.box_size} px boxes;\n"
            f"generator {parameters:,} parameters, attention {attention}.\n"
            + (f"Going on after generator step {self.step}.\n" if self.step else "")
            + (f"Beginning with the weights of {cfg.init_from}.\n" if begins else "")
            + f"Everything of this run goes into {self.folder}"
        )

    @contextmanager
    def recorded(self) -> Iterator[None]:
        """Write ``config.yaml``, by which the folder is this run's, and how the run ends.

        What a killed process left half written goes first. ``overrides.yaml`` and the settings as
        composed (:data:`~farfill.rundir.status.BEGUN`) are Hydra's, which writes its own also for a
        command that is refused.
        """
        if not is_first():
            yield
            return
        remove_parts(self.folder)
        for below in (
            ".hydra",
            "checkpoints",
            "pictures",
            "report",
            "report/pictures",
            "report/pictures/*",
        ):
            for place in self.folder.glob(below):
                remove_parts(place)
        if HydraConfig.initialized():
            with atomic(self.folder / "overrides.yaml") as part:
                OmegaConf.save(HydraConfig.get().overrides.task, part)
            if (composed := self.folder / ".hydra" / "config.yaml").is_file():
                with atomic(self.folder / BEGUN) as part:
                    part.write_bytes(composed.read_bytes())  # in `cfg` references are resolved
        with atomic(self.folder / "config.yaml") as part:
            OmegaConf.save(self.cfg, part, resolve=True)
        before = read_status(self.folder)
        write_status(
            self.folder,
            "running",
            spent=hours(before) if self._inside else None,
            **(dict.fromkeys(LIMITS) | limits(self.cfg.trainer)),
            short=None,
            started=now(),
            ended=None,
            message=None,
            **({"collapsed": None, "skipped": None} if self.checkpoint is None else {}),
            **here(),
        )
        try:
            yield
        except Stopped as stopped:
            step = read_status(self.folder).get("step", 0) if stopped.step is None else stopped.step
            message = f"Stopped at generator step {step}: {how_to_go_on()}."
            self._end("preempted", message, step=step)
            say(message)
            raise
        except BaseException as error:
            diverged = isinstance(error, Diverged)
            self._end("diverged" if diverged else "failed", message_of(error))
            raise
        collapsed = read_status(self.folder).get("collapsed")
        ended: dict[str, Any] = {"value": self.value, "short": self.short or None}
        self._end("collapsed" if collapsed else "done", collapsed, **ended)

    def _end(self, state: State, message: str | None, **values: Any) -> None:
        if read_status(self.folder).get("state") == "running":
            skipped = self._skipped if any(self._skipped.values()) else None
            values |= {"ended": now(), "message": message, "skipped": skipped}
            write_status(self.folder, state, **values)


def how_to_go_on() -> str:
    """What to type after a stop; in a sweep ``ckpt_path=last`` finds nothing."""
    option = "ckpt_path=last"
    if in_sweep():
        sweep = Path(HydraConfig.get().sweep.dir).absolute()
        option = shlex.quote(quote_paths([f"hydra.sweep.dir={sweep}"])[0])
    return f"the same command with {option} goes on"


@contextmanager
def open_run(cfg: DictConfig) -> Iterator[Run]:
    """Keep others out of a run's folder while it is worked on.

    Raises:
        ValueError: Another process works there, or see :class:`Run`; nothing was changed.
    """
    with lock_run_dir(Path(cfg.paths.output_dir)) if is_first() else nullcontext():
        yield Run(cfg)


def changed(now: Any, then: Any) -> str:
    """Settings in which two runs differ and one run must not, in words; empty if none."""
    now, then = flat(now), flat(then if isinstance(then, dict) else {})
    names = [
        name
        for name in sorted(now.keys() | then.keys())
        if now.get(name) != then.get(name)
        # The precision changes what is learnt, as nothing else of the trainer does.
        and (name == "trainer.precision" or not is_under(name, _FREE))
        and name.rpartition(".")[2] not in _FREE_ENDS
    ]
    listed = [f"{name} (was {then.get(name)}, now {now.get(name)})" for name in names[:6]]
    return ", ".join(listed) + (" ..." if len(names) > 6 else "")


def _find_checkpoint(cfg: DictConfig, folder: Path) -> Path | None:
    """The checkpoint to begin with: the folder's own if it holds a run of the same settings."""
    config, last = folder / "config.yaml", folder / "checkpoints" / "last.ckpt"
    asked = None if cfg.ckpt_path in (None, "last") else Path(cfg.ckpt_path)
    if asked is not None and folder.resolve() in asked.resolve().parents:
        return asked
    if not config.is_file():
        if cfg.ckpt_path == "last":
            raise ValueError(
                f"ckpt_path=last goes on with the run in {folder}, but there is none: name its "
                "folder with hydra.run.dir=..."
            )
        return asked
    if asked is None and last.is_file():
        return last  # which has the settings, too
    before = _settings_in(config)
    if asked is not None and before.get("ckpt_path") != cfg.ckpt_path:
        raise ValueError(f"{folder} already holds another run: choose another hydra.run.dir")
    if last.is_file():
        return last
    if differing := changed(plain(cfg), before):
        raise ValueError(
            f"{folder} holds a run with other settings, {differing}: choose another "
            "hydra.run.dir (hydra.sweep.dir for a sweep)"
        )
    return asked


def _settings_in(config: Path) -> dict[str, Any]:
    """What a run's ``config.yaml`` says, as it stands there."""
    try:
        before: Any = OmegaConf.to_container(OmegaConf.load(config))
        if not isinstance(before, dict):
            raise ValueError(f"a {type(before).__name__} has no settings")
    except OSError:
        raise
    except Exception as error:  # of bytes, of YAML, of OmegaConf
        raise ValueError(
            f"{config} is damaged, so it does not say whose run this is: choose another "
            "hydra.run.dir"
        ) from error
    refuse_interpolations(before, config)
    return before


def _check_resume(cfg: DictConfig, path: Path) -> dict[str, Any]:
    """Read a checkpoint, which has to be complete and made with these settings."""
    checkpoint = read_checkpoint(path)
    check_format(checkpoint, path)
    needed = ("optimizer_states", "lr_schedulers", "loops", "callbacks", "global_step")
    if missing := [name for name in needed if name not in checkpoint]:
        raise ValueError(
            f"{path} has weights but not {', '.join(missing)}, so no run can go on from it; "
            "init_from starts another run from its weights"
        )
    if differing := changed(plain(cfg), checkpoint["farfill"].get("config")):
        raise ValueError(
            f"{path} belongs to a run with other settings: {differing}; choose another "
            "hydra.run.dir, or start another run from its weights with init_from"
        )
    return checkpoint
