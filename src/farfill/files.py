"""Files that are either whole or not there, and tables of which the last row may be neither."""

import csv
import errno
import io
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp

_PART = ".part-"


def expanded(path: str | Path) -> Path:
    """The path with ``~`` as the home folder; a ``~`` that means nobody's is a letter."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Let an ``OSError`` of a block that writes ``path`` name it, and say what to do.

    Raises:
        OSError: Of the same kind and number; a full disk names no file, and a read-only folder
            that of the half-written one.
    """
    try:
        yield
    except OSError as error:
        cure = "choose a folder that may be written to"
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            cure = f"make room there, or {cure}"
        named = type(error)(
            f"{path} could not be written ({error.strerror or error}); what was there before is "
            f"kept: {cure}, and start again"
        )
        named.errno = error.errno
        raise named from error


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name of ``path``.

    The temporary file keeps the name's last part (and so its extension), because image
    writers choose the format by it. If the block raises, ``path`` stays as it was.

    Raises:
        OSError: It cannot be written, see :func:`naming`.
        FileExistsError: ``path`` is there and no regular file: a folder, a pipe, a device.
    """
    path = Path(path)
    with naming(path):
        irregular = path.exists() and not path.is_file()
    if irregular:
        raise FileExistsError(f"{path} is no regular file, which alone is replaced: name another")
    with naming(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(mkdtemp(prefix=_PART, dir=path.parent))
        part = folder / path.name
        try:
            yield part
            with part.open("rb") as file:
                os.fsync(file.fileno())  # else a machine that goes down may keep the name alone
            part.replace(path)
        finally:
            shutil.rmtree(folder, ignore_errors=True)  # whose failure would hide the first


def remove_parts(folder: Path) -> None:
    """Remove what :func:`atomic` left in ``folder``, and not below it, when it was killed.

    Whatever else has such a name is another's and stays.
    """
    for part in folder.glob(f"{_PART}*"):
        ours = re.fullmatch(r"[a-z0-9_]{8}", part.name.removeprefix(_PART))
        if ours and part.is_dir() and not part.is_symlink():
            inside = list(part.iterdir())
            if not inside or (len(inside) == 1 and inside[0].is_file()):
                shutil.rmtree(part, ignore_errors=True)


def read_rows(path: Path, count: str = "step", texts: Sequence[str] = ()) -> list[dict[str, str]]:
    """Whole rows of a table, as they stand in the file; none without a file.

    Args:
        path: A CSV file.
        count: Column in which every row has a whole number.
        texts: Columns that are no numbers; all others have numbers or nothing.

    Raises:
        ValueError: It is no such table; the file is named.
    """
    if not path.is_file():
        return []
    try:
        with path.open(encoding="utf-8", newline="") as file:
            text = file.read()
        whole = text[: text.rfind("\n") + 1]  # a process that is killed may leave half a line
        reader = csv.DictReader(io.StringIO(whole, newline=""))
        if whole and count not in (reader.fieldnames or ()):
            raise ValueError(f"it has no column {count!r}")
        rows = list(reader)
        for row in rows:
            if None in row or None in row.values():
                raise ValueError(f"a row has not {len(reader.fieldnames or ())} cells")
            int(row[count])
            for name, cell in row.items():
                if cell and name not in texts:
                    float(cell)
    except (ValueError, csv.Error) as error:
        raise ValueError(f"{path} is damaged ({error}): mend it or move it away") from error
    return rows
