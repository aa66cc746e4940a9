"""Inpaint: fill the holes of picture files with the generator of a checkpoint."""

import argparse
import contextlib
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from omegaconf import OmegaConf
from pydantic import BaseModel, ConfigDict, InstanceOf, ValidationError

import farfill
from farfill.config.arguments import newest_checkpoint
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.text import one_line
from farfill.weights.find import shipped

_DEFAULTS = conf_dir() / "run" / "inpaint.yaml"
_EXAMPLES = {
    "ckpt_path": "runs/.../checkpoints/best.ckpt",
    "image": "photo.jpg",
    "mask": "hole.png",
    "output": "filled.png",
}
_FILES = (*_EXAMPLES, "attention")
_PER_PICTURE = "threshold invert resize_mask max_hole max_pixels max_file_pixels memory_limit"
_HELP = """\
Fill holes in pictures: known pixels stay bit for bit, white in the mask is the hole.

  %(prog)s photo.jpg hole.png -o filled.png --ckpt best.ckpt
  %(prog)s photo.jpg hole.png -o filled.png --weights hf://user/model
  %(prog)s photos masks -o filled --attention maps --ckpt best.ckpt
  %(prog)s ckpt_path=best.ckpt image=[a.jpg,b.png] mask=hole.png output=[c.png,d.tif]

Every setting is an option too: --max-hole 0.9 is max_hole=0.9, and --invert is invert=true.
"""

FileName = InstanceOf[str]  # plain str is refused by pydantic where a name's bytes are no text
FileNames = FileName | list[FileName]


class Settings(BaseModel):
    """Kinds of what ``conf/run/inpaint.yaml`` sets and explains."""

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
    """The defaults with other values; ``ValueError`` if one is missing or of another kind."""
    settings = {str(name): value for name, value in OmegaConf.load(_DEFAULTS).items()}
    settings["ckpt_path"] = next(iter(shipped()), None)
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
    short = {"output": ["-o"], "ckpt_path": ["--ckpt", "--checkpoint", "--weights"]}
    for name, field in Settings.model_fields.items():
        flags = dict.fromkeys([*short.get(name, []), f"--{name}", f"--{name.replace('_', '-')}"])
        action = "store_true" if field.annotation is bool else "store"
        parser.add_argument(*flags, dest=name, action=action, help=argparse.SUPPRESS)
    values = vars(parser.parse_intermixed_args(arguments))
    files = []
    for word in values.pop("words", []):
        name, equals, value = word.partition("=")
        name = "ckpt_path" if name == "weights" else name
        if equals and name in Settings.model_fields:
            values[name] = value
        elif equals and name.isidentifier() and not Path(word).exists():
            raise ValueError(f"there is no setting `{name}`; see {parser.prog} --help")
        else:
            files.append(word)
    if len(files) > 2:
        raise ValueError(
            f"expected an image and a mask, got {len(files)} names: -o names the result; "
            "for several pictures give folders, or lists: image=[a.jpg,b.jpg] "
            "mask=[c.png,d.png] output=filled"
        )
    for name, file in zip(("image", "mask"), files, strict=False):
        if name in values:
            raise ValueError(f"`{name}` is given twice, {values[name]} and {file}")
        values[name] = file
    return settings_of({name: _value(name, value) for name, value in values.items()})


def _value(name: str, text: str | bool) -> object:
    """What a word means; names of files may be quoted, or a list ``[a.jpg,"b, c.jpg"]``."""
    literals = {"null": None, "true": True, "false": False}
    if isinstance(text, bool) or text.lower() in literals:
        return literals[str(text).lower()]
    if name not in _FILES:
        for number in (int, float):
            with contextlib.suppress(ValueError):
                return number(text)
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
    """Fill every picture; one sentence for each of several that cannot be filled.

    Raises:
        ValueError: If a setting is wrong, inputs do not pair up (before anything is filled), or
            the only picture cannot be filled; likewise ``OSError`` for files.
    """
    from farfill.checkpoint import load_generator
    from farfill.inpainting.fill import fill_file
    from farfill.inpainting.pairing import pair
    from farfill.inpainting.predictor import Predictor
    from farfill.machine import find_device, tune_processor

    files = settings.image, settings.mask, settings.output, settings.attention
    jobs = pair(*files, overwrite=settings.overwrite, lossy=settings.lossy)
    tune_processor()
    checkpoint = settings.ckpt_path
    if checkpoint in ("last", "best") and not Path(checkpoint).exists():
        checkpoint = str(newest_checkpoint(checkpoint, Path("runs")))
    generator, device = load_generator(checkpoint), find_device(settings.device)
    predictor = Predictor(generator, device, settings.precision, settings.compile, settings.backend)
    options, failures = settings.model_dump(include={*_PER_PICTURE.split()}), []
    for job in jobs:
        try:
            print(one_line(fill_file(job, predictor, **options)), flush=True)
        except (ValueError, OSError, RuntimeError, MemoryError) as error:
            if len(jobs) > 1:
                failures.append(one_line(f"{job.image}: {error}"))
            elif isinstance(error, RuntimeError):
                raise ValueError(f"{job.image} cannot be filled: {error}") from error
            else:
                raise
    return failures
