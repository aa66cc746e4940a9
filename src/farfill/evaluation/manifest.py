"""A frozen list of what was scored, so that numbers can be repeated and compared."""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from torch import Tensor

from farfill.files import atomic
from farfill.types import Batch

VERSION = 2
NAMED = 10  # pictures that an error message names


@dataclass(frozen=True)
class Entry:
    """One picture with one hole."""

    index: int  # number of the sample in its data set
    name: str  # the file's; from its second hole on with the hole's number, as in cat.png#2
    folder: str  # relative to the one that holds all pictures; for people only
    image: str  # SHA-256 of the decoded, cropped picture in 8 bits
    hole: str  # SHA-256
    box: list[int]  # top, left, height, width
    cluster: str  # those of one are no more than one witness: holes of a picture, frames of a film


@dataclass(frozen=True)
class Manifest:
    """Every picture and hole of an evaluation."""

    seed: int  # of the holes
    image_size: list[int]  # height and width of the crops
    mask: str  # what the holes are, in words or as configured
    entries: list[Entry]  # by index
    version: int = VERSION  # of this file format

    @property
    def hash(self) -> str:
        """12 digits of the entries' SHA-256, without their folders: a data set may move.

        Nor does it cover clusters, which say what the entries are worth, not what they are.
        """
        entries = [{**asdict(entry), "folder": None} for entry in self.entries]
        for entry in entries:
            del entry["cluster"]
        canonical = json.dumps(entries, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def build(
    batches: Iterable[Batch],
    paths: Sequence[Path],
    clusters: Sequence[str],
    seed: int,
    mask: str,
) -> Manifest:
    """Make the manifest of what ``batches`` yields, each sample once, but at least one.

    ``Batch.index`` counts in ``paths`` and ``clusters``; ``seed`` and ``mask`` are only recorded.
    """
    names, seen = [], Counter[Path]()
    for path in paths:
        seen[path] += 1
        names.append(f"{path.name}#{seen[path]}" if seen[path] > 1 else path.name)
    root = os.path.commonpath([path.absolute().parent for path in paths]) if paths else ""
    entries: list[Entry] = []
    size: list[int] = []
    for batch in batches:
        size = list(batch.image.shape[-2:])
        for image, hole, _, box, index in zip(*batch, strict=True):
            number = int(index)
            folder = paths[number].absolute().parent.relative_to(root).as_posix()
            what = digest((image + 1) * 127.5), digest(hole), box.tolist(), clusters[number]
            entries.append(Entry(number, names[number], folder, *what))
    if not entries:
        raise ValueError("manifest: expected at least one picture to evaluate, got none.")
    return Manifest(seed, size, mask, sorted(entries, key=lambda entry: entry.index))


def digest(levels: Tensor) -> str:
    """SHA-256 of a tensor's shape and its values, rounded to ``0 ... 255``.

    Files have 8 bits a channel; what normalising adds in the last place of a float is no change.
    """
    rounded = levels.round().clamp(0, 255).byte().cpu().contiguous()
    content = f"{tuple(rounded.shape)}".encode() + rounded.numpy().tobytes()
    return hashlib.sha256(content).hexdigest()


def write(path: str | Path, manifest: Manifest) -> None:
    """Write ``manifest`` as JSON, whole or not at all."""
    text = json.dumps({"hash": manifest.hash, **asdict(manifest)}, indent=2)
    with atomic(path) as part:
        part.write_text(text + "\n", encoding="utf-8")


def read(path: str | Path) -> Manifest:
    """Read a manifest.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: It is no manifest, of another version, or was edited by hand.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"manifest: there is no file {path}.")
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        recorded = content.pop("hash")
        entries = [Entry(**entry) for entry in content.pop("entries")]
        manifest = Manifest(entries=entries, **content)
        if manifest.version == VERSION:
            _check_kinds(manifest)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        expected = "manifest: expected a manifest as Farfill writes it"
        raise ValueError(f"{expected}, got {path}.") from error
    if manifest.version != VERSION:
        raise ValueError(f"manifest: expected version {VERSION}, got {manifest.version} in {path}.")
    if manifest.hash != recorded:
        raise ValueError(f"manifest: the entries of {path} do not have its hash {recorded}.")
    return manifest


def _check_kinds(manifest: Manifest) -> None:
    """Raise a ``TypeError`` unless every field that is compared is of its kind."""
    rows = [(one.index, *one.box) for one in manifest.entries]
    texts = [(e.name, e.folder, e.image, e.hole, e.cluster) for e in manifest.entries]
    numbers = {type(x) for row in ((manifest.seed, *manifest.image_size), *rows) for x in row}
    words = {type(x) for row in ((manifest.mask,), *texts) for x in row}
    if numbers != {int} or words != {str}:
        raise TypeError("a field is of another kind")


def require_same(now: Manifest, frozen: Manifest) -> None:
    """Raise a ``ValueError`` that names the missing, new and changed pictures, if there are any."""
    here, there = ({entry.index: entry for entry in one.entries} for one in (now, frozen))
    changes = []
    for index in sorted({*here, *there}):
        new, old = here.get(index), there.get(index)
        parts = [x for x in ("image", "hole", "box") if getattr(new, x, 0) != getattr(old, x, 0)]
        if new is None or old is None:
            changes.append(f"{new.name} (new)" if new else f"{there[index].name} (missing)")
        elif new.name != old.name:
            changes.append(f"{new.name} (was {old.name})")
        elif parts:
            changes.append(f"{new.name} (other {' and '.join(parts)})")
    if changes:
        more = f"; and {len(changes) - NAMED} more" if len(changes) > NAMED else ""
        raise ValueError(
            f"manifest: the data differ from the frozen manifest {frozen.hash} in "
            f"{len(changes)} of {len(there)} pictures: {'; '.join(changes[:NAMED])}{more}. "
            "Use the data, image size, mask and seed it was made with, or make a new one."
        )
