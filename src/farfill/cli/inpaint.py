"""Inpaint: fill the holes of picture files with the generator of a checkpoint."""

from __future__ import annotations

import argparse
import contextlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from omegaconf import OmegaConf
from pydantic import BaseModel, ConfigDict, InstanceOf, ValidationError

import farfill
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.text import one_line

if TYPE_CHECKING:
    from farfill.inpainting.cost import Cost
    from farfill.inpainting.pairing import Job
    from farfill.inpainting.predictor import Predictor

_DEFAULTS = conf_dir() / "run" / "inpaint.yaml"
_LONG_S = 10  # from which on a picture is announced
_EXAMPLES = {
    "ckpt_path": "runs/.../checkpoints/best.ckpt",
    "image": "photo.jpg",
    "mask": "hole.png",
    "output": "filled.png",
}
_FILES = (*_EXAMPLES, "attention")
_HELP = """\
Fill holes in pictures: known pixels stay bit for bit, white in the mask is the hole.

  %(prog)s photo.jpg hole.png -o filled.png --ckpt best.ckpt
  %(prog)s photos masks -o filled --attention maps --ckpt best.ckpt
  %(prog)s ckpt_path=best.ckpt image=[a.jpg,b.png] mask=hole.png output=[c.png,d.tif]

Every setting is an option too: --max-hole 0.9 is max_hole=0.9, and --invert is invert=true.
"""

# Not plain str, which pydantic refuses where a name's bytes are no text.
FileName = InstanceOf[str]
FileNames = FileName | list[FileName]


class Settings(BaseModel):
    """Kinds of what ``conf/run/inpaint.yaml`` explains."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    ckpt_path: FileName
    image: FileNames
    mask: FileNames
    output: FileNames
    attention: FileNames | None
    threshold: float
    invert: bool
    resize_mask: bool
    max_hole: float
    overwrite: bool
    lossy: bool
    max_pixels: int | None
    max_file_pixels: int | None
    memory_limit: float | None
    device: str
    precision: str
    backend: str
    compile: bool


_KINDS: dict[Any, str] = {
    bool: "true or false",
    float: "a number",
    float | None: "a number or null",
    int | None: "a whole number or null",
    str: "a word",
}


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The defaults with other values.

    Raises:
        ValueError: If one is missing or of another kind; says which.
    """
    settings = {str(name): value for name, value in OmegaConf.load(_DEFAULTS).items()}
    settings.update(values)
    try:
        return Settings(**settings)
    except ValidationError as error:
        name = str(error.errors(include_input=False, include_url=False)[0]["loc"][0])
        if name in _EXAMPLES and settings[name] is None:
            raise ValueError(f"say `{name}`, for example {name}={_EXAMPLES[name]}") from error
        field = Settings.model_fields[name]
        kind = "the name of a file" if name in _FILES else _KINDS[field.annotation]
        raise ValueError(f"expected `{name}` to be {kind}, got {settings[name]!r}") from error


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message}; see {self.prog} --help")


def parse(arguments: Sequence[str]) -> Settings:
    """Settings from a command line: image and mask, options, and ``name=value``.

    Raises:
        ValueError: If it is no such command line, or a value is of another kind.
    """
    _, _, explained = _DEFAULTS.read_text(encoding="utf-8").partition("\n\n")
    parser = _Parser(
        usage="%(prog)s IMAGE MASK -o OUTPUT --ckpt CHECKPOINT [--SETTING VALUE] [SETTING=VALUE]",
        description=f"{_HELP}\n{explained}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"farfill {farfill.__version__}")
    short = {"output": ["-o"], "ckpt_path": ["--ckpt", "--checkpoint"]}
    for name, field in Settings.model_fields.items():
        flags = dict.fromkeys([*short.get(name, []), f"--{name}", f"--{name.replace('_', '-')}"])
        action = "store_true" if field.annotation is bool else "store"
        parser.add_argument(*flags, dest=name, action=action, help=argparse.SUPPRESS)
    values = vars(parser.parse_intermixed_args(arguments))
    files = []
    for word in values.pop("words", []):
        name, equals, value = word.partition("=")
        if equals and name in Settings.model_fields:
            values[name] = value
        elif equals and name.isidentifier() and not Path(word).exists():
            raise ValueError(f"there is no setting `{name}`; see {parser.prog} --help")
        else:
            files.append(word)
    if len(files) > 2:
        raise ValueError(
            f"expected an image and a mask, got {len(files)} names: for several pictures give "
            "folders, or lists: image=[a.jpg,b.jpg] mask=[c.png,d.png] output=filled"
        )
    for name, file in zip(("image", "mask"), files, strict=False):
        if name in values:
            raise ValueError(f"`{name}` is given twice, {values[name]} and {file}")
        values[name] = file
    return settings_of({name: _value(name, value) for name, value in values.items()})


def _value(name: str, text: str | bool) -> object:
    """What a word of the command line means where a setting is expected.

    A file's name may be quoted, or one of a list ``[a.jpg,"b, c.jpg"]``.
    """
    literals = {"null": None, "true": True, "false": False}
    if isinstance(text, bool) or text.lower() in literals:
        return literals[str(text).lower()]
    if name not in _FILES:
        for kind in (int, float):
            with contextlib.suppress(ValueError):
                return kind(text)
        return text
    if not (text.startswith("[") and text.endswith("]")):
        quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
        return text[1:-1] if quoted else text
    words = shlex.shlex(text[1:-1], posix=True)
    words.whitespace, words.whitespace_split, words.escape, words.commenters = ",", True, "", ""
    try:
        return [word.strip() for word in words]
    except ValueError as error:
        raise ValueError(f"a quotation mark of the list {text} is not closed") from error


@one_line_errors
def main() -> None:
    """Entry point of ``farfill-inpaint``; exit status 1 if some of several pictures failed."""
    failures = inpaint(parse(sys.argv[1:]))
    if failures:
        print(f"{len(failures)} not filled:", *failures, sep="\n  ", file=sys.stderr)
        raise SystemExit(1)


def inpaint(settings: Settings) -> list[str]:
    """Fill every picture; one that cannot be filled does not stop the others.

    Returns:
        One sentence for each of several pictures that failed.

    Raises:
        ValueError: If an option is wrong, inputs do not pair up (before anything is filled), or
            the only picture cannot be filled.
        OSError: If files are missing, or the only result cannot be written.
    """
    from farfill.checkpoint import load_generator
    from farfill.files import expanded
    from farfill.inpainting.pairing import pair
    from farfill.inpainting.predictor import Predictor
    from farfill.machine import find_device, tune_processor

    jobs = pair(
        settings.image,
        settings.mask,
        settings.output,
        settings.attention,
        overwrite=settings.overwrite,
        lossy=settings.lossy,
    )
    tune_processor()
    predictor = Predictor(
        load_generator(expanded(settings.ckpt_path)),
        find_device(settings.device),
        settings.precision,
        settings.compile,
        settings.backend,
    )
    failures = []
    for job in jobs:
        try:
            print(one_line(_fill_one(job, predictor, settings)), flush=True)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            if len(jobs) > 1:
                failures.append(one_line(f"{job.image}: {error}"))
            elif isinstance(error, RuntimeError):
                raise ValueError(f"{job.image} cannot be filled: {error}") from error
            else:
                raise
    return failures


def _fill_one(job: Job, predictor: Predictor, settings: Settings) -> str:
    from farfill.image.hole import read_hole
    from farfill.image.picture import read_picture
    from farfill.image.write import check_depth, write_picture
    from farfill.inpainting.fill import attention_picture, fill

    picture = read_picture(job.image, settings.max_file_pixels)
    check_depth(job.output, picture)
    hole = read_hole(
        job.mask,
        picture.size,
        threshold=settings.threshold,
        invert=settings.invert,
        resize=settings.resize_mask,
        max_hole=settings.max_hole,
        max_pixels=settings.max_file_pixels,
    )
    filled = fill(
        predictor,
        picture.rgb(),
        hole,
        settings.max_pixels,
        offsets=job.attention is not None,
        before=partial(_announce, job, settings.memory_limit),
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

    available = memory().available / 1e9 if limit is None else limit
    needs = f"about {guess.seconds:.0f} s and {guess.bytes / 1e9:.1f} GB of memory"
    if guess.bytes / 1e9 > available:
        which = f"the {available:.1f} GB that are free" if limit is None else "memory_limit"
        raise ValueError(
            f"{job.image} takes {needs}, more than {which}: lower max_pixels, or raise memory_limit"
        )
    if guess.seconds > _LONG_S:
        print(one_line(f"{job.image}: {needs}; a smaller max_pixels takes less"), flush=True)
