"""Which pictures there are: below a folder, or in a list file."""

import hashlib
import logging
import os
import re
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from pydantic import BaseModel, ConfigDict, NonNegativeInt

from farfill.files import expanded
from farfill.image.read import SUFFIXES

_ENDINGS = "|".join(suffix[1:] for suffix in SUFFIXES)
_LINE = re.compile(rf"(?P<name>.*\.(?:{_ENDINGS}))(?:\s+(?P<label>\S+))?", re.IGNORECASE)


def pictures_below(folder: Path) -> list[Path]:
    """Every picture file below ``folder`` by its extension, sorted by path.

    Hidden files and folders are left out, and with a warning folders that may not be read. Links
    to folders are followed, but no folder is visited twice, so a loop of links ends.

    A missing folder is refused (``FileNotFoundError``), and one without pictures (``ValueError``).
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"there is no folder {folder} (data.root, data.train, data.val)")
    found: list[Path] = []
    visited = set()
    # No error: a disk of one's own has a folder lost+found, which only the system may read.
    warn = partial(logging.getLogger(__name__).warning, "%s: the pictures in it are left out")
    for here, folders, files in os.walk(folder, onerror=warn, followlinks=True):
        real = os.path.realpath(here)
        folders[:] = [] if real in visited else sorted(f for f in folders if f[0] != ".")
        if real not in visited:
            found += [Path(here, f) for f in files if f[0] != "." and f.lower().endswith(SUFFIXES)]
        visited.add(real)
    if not found:
        raise ValueError(f"there is no picture ({', '.join(SUFFIXES)}) in the folder {folder}")
    return sorted(found)


def pictures_listed(listing: Path, folder: Path, label: str | None) -> list[Path]:
    """Every picture a list file names, in its order.

    One path a line, absolute or relative to ``folder`` (a leading slash is forgiven, Places2 has
    it), and after it perhaps a label: a class, or a side of a split; with a ``label``, only lines
    with this one count. Blank lines and lines that start with ``#`` are ignored.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: A line names no picture, or no line is left; names the file.
    """
    paths = []
    for name, own_label in _lines(listing, strict=True):
        if label is None or own_label == label:
            path = expanded(name)
            try:
                whole = path.is_absolute() and path.exists()
            except OSError:  # a name longer than any file's, for one
                whole = False
            paths.append(path if whole else folder / name.lstrip("/"))
    if not paths:
        wanted = "" if label is None else f" with the label {label}"
        raise ValueError(f"the list {listing} names no picture{wanted}")
    return paths


def rename(paths: list[Path], table: Path, folder: Path) -> list[Path]:
    """Translate list entries into the names that the pictures of a tree have now.

    CelebA-HQ numbers 30,000 pictures of CelebA anew; its table tells which is which: lines start
    with the new name without extension and end with the old name; others, such as a heading, are
    ignored. Paths that the table does not know are dropped, but not all (``ValueError``).
    """
    present = {path.stem: path for path in pictures_below(folder)}
    rows = [name.split() for name, _ in _lines(table, strict=False)]
    new = {row[-1]: present[row[0]] for row in rows if row[0] in present}
    renamed = [new[path.name] for path in paths if path.name in new]
    if not renamed:
        raise ValueError(f"data.renamed: {table} does not link the list to the pictures {folder}")
    return renamed


def _lines(listing: Path, strict: bool) -> list[tuple[str, str | None]]:
    """Name and label of each line; a line without a picture is an error if ``strict``."""
    if not listing.is_file():
        raise FileNotFoundError(f"there is no list file {listing} (data.root, data.*_list)")
    found = []
    try:
        content = listing.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(
            f"the list {listing} is no text in UTF-8 (byte {error.start + 1}): save it as UTF-8"
        ) from error
    # Not str.splitlines: letters such as U+2028 may be part of a name.
    for number, line in enumerate(content.split("\n"), 1):
        text = line.strip()
        if not text or text[0] == "#":
            continue
        if match := _LINE.fullmatch(text):
            found.append((match["name"], match["label"]))
        elif strict:
            raise ValueError(
                f"expected a picture's path and perhaps a label in line {number} of the list "
                f"{listing}, got {text[:80]!r}"
            )
    return found


def names_of(paths: Iterable[Path]) -> dict[Path, str]:
    """Each picture's name below the folder that holds them all, with ``/`` between its parts.

    So the names stay when the data set's folder is moved.
    """
    paths = list(paths)
    folders = {path.parent: path.parent.absolute() for path in paths}
    home = os.path.commonpath(folders.values()) if folders else ""
    below = {folder: full.relative_to(home) for folder, full in folders.items()}
    return {path: (below[path.parent] / path.name).as_posix() for path in paths}


class Fingerprint(BaseModel):
    """What a run keeps of its list of pictures, to know it again.

    It covers the pictures' number and order, which of both sides each is on, its name below the
    folder that holds them all, and its file's size in bytes. Another picture of the same name
    *and size* is not noticed; a data set that was moved or copied is the same.

    Attributes:
        count: Pictures of both sides, without those skipped.
        sha256: Of the list, as of :meth:`of`.
        marks: Starts of the same of its parts, up to 1000 of equal length, to find a difference.
        skipped: Names of those that ``on_error=skip`` left out.
    """

    model_config = ConfigDict(strict=True)

    count: NonNegativeInt
    sha256: str
    marks: list[str]
    skipped: list[str]

    @classmethod
    def of(cls, lines: Sequence[str], skipped: Iterable[str]) -> "Fingerprint":
        """Of a list, a line per picture, and the names of those left out."""
        marks = _marks(lines, len(lines))
        return cls(count=len(lines), sha256=_digest(lines), marks=marks, skipped=sorted(skipped))

    def difference(self, lines: Sequence[str]) -> str | None:
        """Say how another list differs; ``None`` if it does not."""
        if _digest(lines) == self.sha256:
            return None
        now = _marks(lines, self.count)
        pairs = zip(self.marks, now, strict=False)
        place = next(
            (n for n, (a, b) in enumerate(pairs) if a != b), min(len(self.marks), len(now))
        )
        length = _length(self.count)
        first = lines[place * length : place * length + 1]
        within = f", or one of the {length - 1} after it" if length > 1 else ""
        found = f"; the first that is another is now {first[0]}{within}" if first else ""
        return f"{self.count} then, {len(lines)} now{found}"


def _length(count: int) -> int:
    return max(1, -(-count // 1000))


def _marks(lines: Sequence[str], count: int) -> list[str]:
    length = _length(count)
    return [_digest(lines[at : at + length])[:8] for at in range(0, len(lines), length)]


def _digest(lines: Sequence[str]) -> str:
    return hashlib.sha256("\0".join(lines).encode(errors="surrogateescape")).hexdigest()
