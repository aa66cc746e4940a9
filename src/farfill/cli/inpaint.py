"""Inpaint: fill the holes of picture files with the generator of a checkpoint."""

import argparse
import contextlib
import math
import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from omegaconf import OmegaConf
from pydantic import BaseModel, ConfigDict, Field, InstanceOf, ValidationError

import farfill
from farfill.config.arguments import newest_checkpoint
from farfill.config.paths import conf_dir
from farfill.errors import one_line_errors
from farfill.text import one_line

if TYPE_CHECKING:
    from rich.progress import Progress

_DEFAULTS = conf_dir() / "run" / "inpaint.yaml"
_EXAMPLES = {"image": "photo.jpg", "mask": "hole.png", "output": "filled.png"}
_FILES = ("ckpt_path", *_EXAMPLES, "attention")
_PER_PICTURE = (
    "threshold invert resize_mask max_hole dilate feather crop max_pixels max_file_pixels "
    "memory_limit"
)
_USAGE = "%(prog)s IMAGE MASK -o OUTPUT [--SETTING VALUE | SETTING=VALUE] ..."
_ABOUT = """\
Fill holes in pictures. White in the mask is the hole; known pixels stay bit for bit.

  %(prog)s photo.jpg mask.png -o filled.png          one picture
  %(prog)s photos --mask masks -o filled             folders: photo.jpg goes with photo_mask.png
  %(prog)s photo.jpg mask.png -o filled.png --weights hf://user/model
  %(prog)s cut_out.png --mask-from-alpha -o filled.png
  %(prog)s photo.jpg mask.png -o filled.png --dilate 4 --feather 8 --attention map.png
  %(prog)s image=[a.jpg,b.png] mask=mask.png output=[c.png,d.tif] ckpt_path=best.ckpt
"""
_END = """\
Each setting is understood as --max-hole 0.9 and as max_hole=0.9, each switch as --invert and as
invert=true. The exit status is 0 if all pictures were filled, 1 if some were not, which are named
at the end, and 2 if the command was refused before anything was filled.
"""

FileName = InstanceOf[str]  # plain str is refused by pydantic where a name's bytes are no text
FileNames = FileName | list[FileName]


class Settings(BaseModel):
    """Kinds of what ``conf/run/inpaint.yaml`` sets and explains."""

    model_config = ConfigDict(strict=True, extra="forbid", allow_inf_nan=False)

    ckpt_path: FileName | None
    image: FileNames
    mask: FileNames | None
    output: FileNames
    attention: FileNames | None
    overwrite: bool
    skip_existing: bool
    lossy: bool
    mask_from_alpha: bool
    threshold: float | None
    invert: bool
    dilate: int = Field(ge=0)
    feather: int = Field(ge=0)
    resize_mask: bool
    max_hole: float
    crop: int | None
    max_pixels: int | None
    max_file_pixels: int | None
    memory_limit: float | None
    detail: bool | None
    device: str
    precision: str
    backend: str
    compile: bool


_KINDS: dict[Any, str] = {
    bool: "true or false",
    bool | None: "true, false or null",
    float: "a number",
    float | None: "a number or null",
    int: "a whole number of at least 0",
    int | None: "a whole number or null",
    str: "a word",
}


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The defaults with other values; ``ValueError`` if one is missing or of another kind."""
    settings = {str(name): value for name, value in OmegaConf.load(_DEFAULTS).items()}
    settings.update(values)
    if settings["mask"] is None and settings["mask_from_alpha"] is not True:
        raise ValueError(
            f"say `mask`, for example mask={_EXAMPLES['mask']}, or mask_from_alpha=true"
        )
    if settings["mask"] is not None and settings["mask_from_alpha"] is True:
        raise ValueError("mask_from_alpha=true makes the hole of the picture's alpha: give no mask")
    if settings["mask_from_alpha"] is True:
        for name in ("threshold", "invert", "resize_mask"):
            if settings[name] not in (None, False):
                raise ValueError(f"`{name}` is about a mask, and mask_from_alpha=true has none")
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
    parser = _Parser(
        usage=_USAGE,
        description=_ABOUT,
        epilog=_END,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
        allow_abbrev=False,
    )
    parser.add_argument("words", nargs="*", help=argparse.SUPPRESS)
    parser.add_argument("--version", action="version", version=f"farfill {farfill.__version__}")
    short = {"output": ["-o"], "ckpt_path": ["--ckpt", "--checkpoint", "--weights"]}
    for title, settings in _explained().items():
        group = parser.add_argument_group(title)
        for name, words in settings.items():
            flags = [*short.get(name, []), f"--{name.replace('_', '-')}"]
            kind: dict[str, Any] = {"metavar": "FILE" if name in _FILES else "VALUE"}
            if Settings.model_fields[name].annotation in (bool, bool | None):
                kind = {"action": "store_true"}
            group.add_argument(*flags, dest=name, help=words, **kind)
    end = arguments.index("--") if "--" in arguments else len(arguments)
    flags = [re.sub(r"^--\w+", lambda flag: flag[0].replace("_", "-"), x) for x in arguments[:end]]
    values = vars(parser.parse_intermixed_args([*flags, *arguments[end:]]))
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


def _explained() -> dict[str, dict[str, str]]:
    """What the file of the defaults says of each setting, by its paragraphs' titles."""
    groups: dict[str, dict[str, str]] = {}
    for paragraph in _DEFAULTS.read_text(encoding="utf-8").split("\n\n")[1:]:
        title, _, entries = paragraph.removeprefix("# ").partition("\n")
        found = re.findall(r"^(\w+): (\S+) +# (.*(?:\n +# .*)*)", entries, re.MULTILINE)
        groups[title] = {
            name: re.sub(r"\n +# ", " ", words)
            + ("" if value in ("null", "false") else f" [{value}]")
            for name, value, words in found
        }
    return groups


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
    from farfill.inpainting.fill_file import fill_file
    from farfill.inpainting.inpainter import pretrained
    from farfill.inpainting.pairing import pair
    from farfill.inpainting.predictor import Predictor
    from farfill.machine import find_device, tune_processor
    from farfill.weights.find import detail_of

    files = settings.image, settings.mask, settings.output, settings.attention
    may = settings.model_dump(include={"overwrite", "skip_existing", "lossy"})
    jobs, failures = pair(*files, **may)
    if not jobs:
        print("Every picture has its result already.")
        return failures
    several = len(jobs) + len(failures) > 1
    tune_processor()
    name = named_weights(settings.ckpt_path)
    generator = pretrained(name)
    how = settings.model_dump(include={"precision", "compile", "backend"})
    detail = detail_of(name, settings.detail)
    predictor = Predictor(generator, find_device(settings.device), detail=detail, **how)
    options = settings.model_dump(include={*_PER_PICTURE.split()})
    with _progress(several) as progress:
        for job in progress.track(jobs, description="filling"):
            try:
                print(one_line(fill_file(job, predictor, **options)), flush=True)
            except (ValueError, OSError, RuntimeError, MemoryError) as error:
                if several:
                    failures.append(one_line(f"{job.image}: {error}"))
                elif isinstance(error, RuntimeError):
                    raise ValueError(f"{job.image} cannot be filled: {error}") from error
                else:
                    raise
    return failures


def named_weights(name: str | None) -> str | None:
    """The file of ``last`` or ``best``, which is the newest run's; any other name as it is."""
    if name in ("last", "best") and not Path(name).exists():
        return str(newest_checkpoint(name, Path("runs")))
    return name


def _progress(several: bool) -> "Progress":
    """A bar with the time left beside what is printed; none for one picture, or into a file."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    console = Console(stderr=True)
    return Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        "left",
        console=console,
        speed_estimate_period=math.inf,  # a picture may take minutes
        redirect_stdout=sys.stdout.isatty(),
        disable=not (several and console.is_terminal),
    )
