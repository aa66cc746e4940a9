"""A run's folder: whose it is, and where a run in it goes on."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from omegaconf import DictConfig, OmegaConf

from farfill.config.build import plain
from farfill.config.check import changed, check_resume
from farfill.files import atomic

try:
    import fcntl
except ImportError:  # Windows: nobody is kept out there
    fcntl = None  # type: ignore[assignment]

#: What ``ckpt_path=last`` is called.
LAST = "last"
#: Seconds in which the workers of a process that was killed give its folder free.
_PATIENCE = 15.0


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes out of a run's folder, and tidy up what a killed one has left.

    Raises:
        ValueError: Another process works there.
        FileNotFoundError: The folder was removed meanwhile.
    """
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        for half in folder.rglob(".part-*"):
            shutil.rmtree(half, ignore_errors=True)
        yield
    except Exception as error:
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(
                f"the run's folder {folder} has disappeared while the run was writing to it"
            ) from error
        raise
    finally:
        os.close(descriptor)


class Start(NamedTuple):
    """Where a run begins.

    Attributes:
        checkpoint: To go on from; None: from nothing.
        done: Generator steps that it has behind it.
    """

    checkpoint: Path | None = None
    done: int = 0


def find_start(cfg: DictConfig, folder: Path) -> Start:
    """Where to begin: with a checkpoint, or from nothing.

    A folder that holds a run of the same settings is gone on with, whether ``ckpt_path`` says so
    or not. ``ckpt_path=last`` insists on it; a path may name another run's checkpoint.

    Raises:
        ValueError: The folder holds another run, or there is none to go on with.
    """
    config = folder / "config.yaml"
    last = folder / "checkpoints" / "last.ckpt"
    asked = None if cfg.ckpt_path in (None, LAST) else Path(cfg.ckpt_path)
    if asked is not None and folder.resolve() in asked.resolve().parents:
        return Start(asked, check_resume(cfg, asked))
    if not config.is_file():
        return _elsewhere(cfg, folder, asked)
    begun = OmegaConf.select(OmegaConf.load(config), "ckpt_path")
    if asked is not None and begun != cfg.ckpt_path:
        raise ValueError(f"{folder} already holds another run: choose another hydra.run.dir")
    if last.is_file():
        return Start(last, check_resume(cfg, last))
    _check_same(cfg, config)
    return Start() if asked is None else Start(asked, check_resume(cfg, asked))


def _elsewhere(cfg: DictConfig, folder: Path, asked: Path | None) -> Start:
    """The checkpoint that a run in a folder of its own begins with."""
    if cfg.ckpt_path == LAST:
        raise ValueError(
            f"ckpt_path=last goes on with the run in {folder}, but there is none: name its folder "
            "with hydra.run.dir=..."
        )
    if asked is None:
        return Start()
    done = check_resume(cfg, asked)
    if done >= cfg.trainer.max_generator_steps:
        raise ValueError(
            f"{asked} has done all its generator steps already: raise trainer.max_generator_steps "
            "to go on"
        )
    return Start(asked, done)


def claim(cfg: DictConfig, folder: Path) -> None:
    """Write ``config.yaml``, by which the folder is this run's."""
    with atomic(folder / "config.yaml") as part:
        OmegaConf.save(cfg, part, resolve=True)


def _check_same(cfg: DictConfig, config: Path) -> None:
    then = OmegaConf.to_container(OmegaConf.load(config))
    if differing := changed(plain(cfg), then):
        raise ValueError(
            f"{config.parent} holds a run with other settings, {differing}: choose another "
            "hydra.run.dir (hydra.sweep.dir for a sweep)"
        )


def _lock(descriptor: int, folder: Path) -> None:
    if fcntl is None:
        return
    end, told = time.monotonic() + _PATIENCE, False
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if not told:
                print(f"Waiting: another process holds {folder} ...", flush=True)
                told = True
            if time.monotonic() > end:
                raise ValueError(
                    f"another process is writing to {folder}: wait for it, or choose another "
                    "hydra.run.dir"
                ) from None
            time.sleep(0.2)
