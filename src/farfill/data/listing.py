"""Which pictures there are: below a folder, or in a list file."""

import logging
import os
import re
from functools import partial
from pathlib import Path

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
