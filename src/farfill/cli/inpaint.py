"""Inpaint: fill the holes of picture files with the generator of a checkpoint."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING

import hydra
from omegaconf import DictConfig, ListConfig

from farfill.config.paths import conf_dir
from farfill.config.quoting import quoted_paths
from farfill.errors import one_line_errors
from farfill.text import one_line

if TYPE_CHECKING:
    from farfill.inpainting.cost import Cost
    from farfill.inpainting.pairing import Job
    from farfill.inpainting.predictor import Predictor

_LONG = 10  # seconds from which on a picture is announced
_EXAMPLES = {
    "ckpt_path": "runs/.../checkpoints/best.ckpt",
    "image": "photo.jpg",
    "mask": "hole.png",
    "output": "filled.png",
}

_KINDS = {
    "threshold": float, "invert": bool, "resize_mask": bool, "max_hole": float, "overwrite": bool,
    "lossy": bool, "max_pixels": int | None, "max_file_pixels": int | None,
    "memory_limit": float | None, "device": str, "precision": str, "backend": str, "compile": bool,
}  # fmt: skip


# A folder of its own: beside conf/mask, Hydra would take `mask=hole.png` for a choice of conf/mask.
@quoted_paths("image", "mask", "output", "attention")
@hydra.main(version_base="1.3", config_path=str(conf_dir() / "run"), config_name="inpaint")
@one_line_errors
def main(cfg: DictConfig) -> None:
    """Entry point of ``farfill-inpaint``; exit status 1 if some of several pictures failed."""
    failures = inpaint(cfg)
    if failures:
        print(f"{len(failures)} not filled:", *failures, sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


def inpaint(cfg: DictConfig) -> list[str]:
    """Fill every picture; one that cannot be filled does not stop the others.

    Args:
        cfg: ``conf/run/inpaint.yaml``.

    Returns:
        One sentence for each of several pictures that failed.

    Raises:
        ValueError: If an option is missing or wrong, inputs do not pair up (before anything is
            filled), or the only picture cannot be filled.
        OSError: If files are missing, or the only result cannot be written.
    """
    for option, example in _EXAMPLES.items():
        if cfg[option] is None:
            raise ValueError(f"say `{option}`, for example {option}={example}")

    from farfill.checkpoint import load_generator
    from farfill.config.validation import check_settings
    from farfill.files import expanded
    from farfill.inpainting.pairing import pair
    from farfill.inpainting.predictor import Predictor
    from farfill.machine import find_device, tune_processor

    check_settings(cfg, _KINDS)
    jobs = pair(
        image=_names(cfg.image),
        mask=_names(cfg.mask),
        output=_names(cfg.output),
        attention=None if cfg.attention is None else _names(cfg.attention),
        overwrite=cfg.overwrite,
        lossy=cfg.lossy,
    )
    tune_processor()
    generator = load_generator(expanded(str(cfg.ckpt_path)))
    predictor = Predictor(
        generator, find_device(cfg.device), cfg.precision, cfg.compile, cfg.backend
    )
    failures = []
    for job in jobs:
        try:
            print(one_line(_fill_one(job, predictor, cfg)), flush=True)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            if len(jobs) == 1 and not isinstance(error, RuntimeError):
                raise
            if len(jobs) == 1:
                raise ValueError(f"{job.image} cannot be filled: {error}") from error
            failures.append(one_line(f"{job.image}: {error}"))
    return failures


def _fill_one(job: Job, predictor: Predictor, cfg: DictConfig) -> str:
    from farfill.image.hole import read_hole
    from farfill.image.picture import read_picture
    from farfill.image.write import check_depth, write_picture
    from farfill.inpainting.fill import attention_picture, fill

    picture = read_picture(job.image, cfg.max_file_pixels)
    check_depth(job.output, picture)
    hole = read_hole(
        job.mask,
        picture.size,
        threshold=cfg.threshold,
        invert=cfg.invert,
        resize=cfg.resize_mask,
        max_hole=cfg.max_hole,
        max_pixels=cfg.max_file_pixels,
    )
    filled = fill(
        predictor,
        picture.rgb(),
        hole,
        cfg.max_pixels,
        offsets=job.attention is not None,
        before=partial(_announce, job, cfg.memory_limit),
    )
    write_picture(job.output, picture.with_fill(filled.image, hole))
    if job.attention is not None:
        write_picture(job.attention, attention_picture(filled))
    height, width = picture.size
    note = f"{width} x {height}, hole {hole.mean():.1%}"
    if filled.seen != picture.size:
        note += f", filled at {filled.seen[1]} x {filled.seen[0]} and enlarged (max_pixels)"
    if picture.alpha is not None and not picture.alpha[hole].any():
        note += "; the fill cannot be seen: alpha is kept, and it is 0 in the whole hole"
    return f"{job.image} -> {job.output} ({note})"


def _announce(job: Job, limit: float | None, guess: Cost) -> None:
    """Say what a large picture will take, and refuse what does not fit."""
    from farfill.machine import memory

    available = memory().available / 1e9 if limit is None else float(limit)
    needs = f"about {guess.seconds:.0f} s and {guess.bytes / 1e9:.1f} GB of memory"
    if guess.bytes / 1e9 > available:
        which = f"the {available:.1f} GB that are free" if limit is None else "memory_limit"
        raise ValueError(
            f"{job.image} takes {needs}, more than {which}: lower max_pixels, or raise memory_limit"
        )
    if guess.seconds > _LONG:
        print(one_line(f"{job.image}: {needs}; a smaller max_pixels takes less"), flush=True)


def _names(value: object) -> str | list[str]:
    """A name or a list of names; Hydra reads a name like 2024 as a number."""
    return [str(name) for name in value] if isinstance(value, ListConfig) else str(value)
