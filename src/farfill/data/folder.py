"""A data set of one's own: any folder tree or list of pictures."""

import hashlib
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import ClassVar

from farfill.data.listing import pictures_below, pictures_listed, rename
from farfill.data.protocol import Split
from farfill.files import expanded
from farfill.image.read import MAX_FILE_PIXELS


@dataclass
class Folder:
    """Pictures below a folder, split by folders, by lists, or by a fraction.

    The training pictures are those of ``train_list`` if given, else everything below ``train``;
    the validation pictures likewise. With neither ``val`` nor ``val_list``, a share of the
    training pictures is set aside by a hash of each one's path below its folder, so that adding
    pictures moves none from one side to the other. With neither ``train`` nor ``train_list``,
    the validation pictures are left out of the training pictures.

    Attributes:
        root: The data set's folder.
        train: Folder of the training pictures below ``root``; None = ``root`` itself.
        val: Folder of the validation pictures below ``root``; None = that of ``train``.
        val_fraction: Share to set aside, in ``[0, 1]``; not used with ``val`` or ``val_list``.
            If the hash chooses none of a few pictures, the first by hash is set aside.
        train_list: File of training pictures, relative to ``root`` or absolute; its paths are
            relative to ``train`` or absolute. See :func:`farfill.data.listing.pictures_listed`.
        val_list: Likewise; its paths are relative to ``val``.
        train_label: Take only the lines of ``train_list`` that end with this label.
        val_label: Likewise for ``val_list``.
        renamed: Table of new and old names, if the lists use others than the tree, relative to
            ``root`` or absolute. See :func:`farfill.data.listing.rename`.
        resize: Shorter side in pixels to which every picture is scaled; None = as is.
        shrink: False: only smaller pictures are scaled, so that crops are of the full resolution.
        on_error: ``"raise"``: an unreadable picture ends the run and is named; ``"skip"``: all
            pictures are decoded once before training, failing ones are listed and left out.
        max_file_pixels: Refuse files whose header promises more pixels; None = no limit.
        cluster: Regular expression that finds in a picture's name what it is a frame of, if several
            pictures are no more than one witness; None = each stands for itself.
    """

    cache: ClassVar[bool] = False

    root: str | None
    train: str | None
    val: str | None
    val_fraction: float
    train_list: str | None
    val_list: str | None
    train_label: str | int | None
    val_label: str | int | None
    renamed: str | None
    resize: int | None
    on_error: str
    max_file_pixels: int | None = MAX_FILE_PIXELS
    cluster: str | None = None
    shrink: bool = True

    def __post_init__(self) -> None:
        if self.on_error not in ("raise", "skip"):
            raise ValueError(f"expected data.on_error to be raise or skip, got {self.on_error}")
        if not 0 <= self.val_fraction <= 1:
            raise ValueError(f"expected data.val_fraction in [0, 1], got {self.val_fraction}")
        try:
            re.compile(self.cluster or "")
        except re.error as error:
            raise ValueError(
                f"expected data.cluster to be a regular expression, got {self.cluster!r} ({error})"
            ) from error

    def split(self, train: bool = True) -> Split:
        """Find the pictures of both sides.

        Raises:
            ValueError: No root was given, nothing was found, or both sides share a picture.
            FileNotFoundError: A folder or list is missing.
        """
        if self.root is None:
            raise ValueError("this data needs data.root=..., the folder of the pictures")
        root = expanded(self.root)
        if not root.is_dir():
            raise FileNotFoundError(f"data.root: there is no folder {root}")
        home = root / (self.train or "")
        if self.val is None and self.val_list is None:
            learnt = self._pictures(home, self.train_list, self.train_label)
            return _split_by_hash(learnt, home, self.val_fraction)
        val_home = root / (self.val or self.train or "")
        val = self._pictures(val_home, self.val_list, self.val_label)
        if not train:
            return Split([], val)
        learnt = self._pictures(home, self.train_list, self.train_label)
        measured = {*_places(val)}
        shared = {
            path for path, place in zip(learnt, _places(learnt), strict=True) if place in measured
        }
        if shared and (self.train is not None or self.train_list is not None):
            raise ValueError(
                f"training and validation share {len(shared)} pictures, {min(shared)} for one: "
                "separate them with data.train and data.val, or with the lists"
            )
        return Split([path for path in learnt if path not in shared], val)

    def _pictures(self, home: Path, listing: str | None, label: str | int | None) -> list[Path]:
        if listing is None:
            return pictures_below(home)
        root = expanded(self.root or "")
        paths = pictures_listed(root / listing, home, None if label is None else str(label))
        return paths if self.renamed is None else rename(paths, root / self.renamed, home)


def _places(paths: Sequence[Path]) -> Iterator[str]:
    """Where pictures lie, however their folder is called: relative, absolute, or by a link."""
    resolved = cache(os.path.realpath)
    return (f"{resolved(path.parent)}/{path.name}" for path in paths)


def _split_by_hash(paths: Sequence[Path], home: Path, fraction: float) -> Split:
    """Set a share aside; a picture's side depends on its own path below ``home`` only."""
    numbers = {}  # in [0, 1), evenly spread over paths and the same on every machine
    for path in paths:
        name = Path(os.path.relpath(path, home)).as_posix().encode(errors="surrogateescape")
        numbers[path] = int.from_bytes(hashlib.sha256(name).digest()[:6], "big") / 2**48
    least = min(numbers.values()) if fraction > 0 else 1
    val = {path for path, number in numbers.items() if number < fraction or number == least}
    return Split([p for p in paths if p not in val], [p for p in paths if p in val])
