"""Files that are either whole or not there."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp


def expanded(path: str | Path) -> Path:
    """The path with ``~`` as the home folder; a ``~`` that means nobody's is a letter."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside ``path``; on success it takes the name of ``path``.

    The temporary file keeps the name's last part (and so its extension), because image
    writers choose the format by it. If the block raises, ``path`` stays as it was.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=".part-", dir=path.parent))
    part = folder / path.name
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())  # else a machine that goes down may keep the name alone
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
        folder.rmdir()
