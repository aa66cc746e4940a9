"""Files that are either whole or not there."""

import errno
import os
import re
import shutil
from collections.abc import Iterator
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
