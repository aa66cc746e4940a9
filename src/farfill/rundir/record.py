"""What one run of a sweep left behind, read without Hydra, torch or a GPU."""

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from farfill.files import read_rows
from farfill.rundir.status import hours, read_status

#: Lightning's axis in wandb, which counts generator steps; in metrics.csv it is `step`.
AXIS = "trainer/global_step"
OURS = "this run"
L1 = "val/l1_hole"
VARIANCE = "val/hole_variance"
CRITIC = "train/critic/total"
PICTURES = "val/pictures"
EXAMPLES = "val/examples"
#: What Hydra's sweepers leave beside the runs of a sweep.
PLAN = "multirun.yaml"
#: Columns of metrics.csv that are no metrics.
COUNTS = ("step", "epoch")
#: Columns of per_image.csv that are no numbers, and those that are no metrics.
TEXTS = ("filler", "name")
GIVEN = (*TEXTS, "index", "hole_share")


NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")


class Curve(NamedTuple):
    """A logged quantity over generator steps; values may be NaN or infinite, as logged."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Record:
    """One run: a cell of the sweep with one seed."""

    #: Swept option -> value, as text; the seed is not among them.
    cell: Mapping[str, str]
    seed: int
    folder: Path | None = None  # None if it never started
    #: Flat configuration as composed, interpolations unresolved: ``{"gan.weight": 0.1}``.
    config: Mapping[str, Any] = field(default_factory=dict)
    #: Logged quantity -> curve, from ``metrics.csv``.
    curves: Mapping[str, Curve] = field(default_factory=dict)
    #: Inpainter -> metric -> value of every picture, from ``report/per_image.csv``.
    scores: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()  # index and name of every one scored
    #: Of every one: those of one cluster are no more than one witness, as two holes of a picture.
    clusters: tuple[str, ...] = ()
    manifest: str = ""  # hash of what was scored; empty without a report
    error: str = ""  # why it ended as it did, if it says so
    collapsed: bool = False  # says so itself
    diverged: bool = False  # likewise; its curves need not show it, as few of the steps are logged
    hours: float = math.nan  # from its start to its end without breaks, if it says so
    short: bool = False  # ended before its last step, by `trainer.max_time`

    @property
    def label(self) -> str:
        """The cell in words, without the seed."""
        return label(self.cell)


def options(overrides: Iterable[str]) -> dict[str, str]:
    """``["gan=hinge", "+seed=1"]`` as option -> value; the last of several counts."""
    pairs = (override.partition("=") for override in overrides)
    return {key.lstrip("+"): as_text(value) for key, _, value in pairs}


def as_text(value: Any) -> str:
    """A configured value as the command line has it: ``null``, ``true``, ``[a,b]``, ``0.5``.

    Numbers have one form: ``1e-4`` is a number to Hydra, and text to YAML. So have switches: a
    sweep over ``true,false`` gives its jobs ``True`` and ``False``.
    """
    if value is None:
        return "null"
    if not isinstance(value, str) and isinstance(value, Sequence):
        return f"[{','.join(as_text(item) for item in value)}]"
    text = str(value).replace(" ", "").replace("'", "").replace('"', "")
    return "".join(map(_one_form, re.split(r"([\[\],])", text)))


def _one_form(text: str) -> str:
    """Of a switch, and of a number with a fraction or an exponent; anything else as it is."""
    if text in ("True", "False"):
        return text.lower()
    if not NUMBER.fullmatch(text) or text.lstrip("+-").isdecimal():
        return text
    return str(float(text)) if math.isfinite(float(text)) else text


def label(cell: Mapping[str, str]) -> str:
    """``attention=none, gan=hinge``; a sweep over nothing but seeds has one cell."""
    return ", ".join(f"{key}={value}" for key, value in cell.items()) or "the run"


def read_record(
    folder: Path, cell: Mapping[str, str], seed: int, config: Mapping[str, Any]
) -> Record:
    """Read a run's folder with the rest given, see :class:`Record`; what is not there is empty.

    Raises:
        ValueError: A file is damaged; it is named.
    """
    points: dict[str, dict[float, float]] = {}
    for row in read_rows(folder / "metrics.csv"):
        for name, text in row.items():
            if text and name not in COUNTS:
                points.setdefault(name, {})[float(row["step"])] = float(text)
    rows = read_rows(folder / "report" / "per_image.csv", "index", TEXTS)
    rows.sort(key=lambda row: int(row["index"]))
    scores: dict[str, dict[str, np.ndarray]] = {}
    for filler in dict.fromkeys(row["filler"] for row in rows):
        own = [row for row in rows if row["filler"] == filler]
        columns = {name: [row[name] for row in own] for name in own[0] if name not in GIVEN}
        scores[filler] = {
            name: np.array([float(text or "nan") for text in column])
            for name, column in columns.items()
            if any(column)  # baselines have no attention
        }
    digest, clusters = _read_manifest(folder / "report" / "manifest.json")
    pictures = [row for row in rows if row["filler"] == OURS]
    status = read_status(folder)
    return Record(
        cell=cell,
        seed=seed,
        folder=folder,
        config=config,
        curves={
            name: Curve(np.array(sorted(curve)), np.array([curve[step] for step in sorted(curve)]))
            for name, curve in points.items()
        },
        scores=scores,
        pictures=tuple(f"{row['index']} {row['name']}" for row in pictures),
        clusters=tuple(clusters.get(int(row["index"]), row["index"]) for row in pictures),
        manifest=digest,
        error=status.get("message", ""),
        collapsed="collapsed" in status,
        diverged=status.get("state") == "diverged",
        hours=hours(status) if {"started", "ended"} <= status.keys() else math.nan,
        short="short" in status,
    )


def _read_manifest(path: Path) -> tuple[str, dict[int, str]]:
    """Hash of what was scored, and which cluster each sample is of, where the file says so."""
    if not path.is_file():
        return "", {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        entries = [entry for entry in content.get("entries", ()) if "cluster" in entry]
        return str(content["hash"]), {int(one["index"]): str(one["cluster"]) for one in entries}
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise ValueError(f"{path} is damaged: mend it or move it away") from None


def diverged(record: Record) -> bool:
    """Whether it says so, a loss is not finite in the end, or the validation L1 is not anywhere.

    Training skips an update whose loss is not finite; a run that gets over it has not diverged.
    """
    losses = [curve for name, curve in record.curves.items() if name.startswith("train/")]
    quality = [curve for name, curve in record.curves.items() if name.startswith("val/l1_")]
    ends = all(np.isfinite(curve.values[-1]) for curve in losses)
    sound = ends and all(np.isfinite(curve.values).all() for curve in quality)
    return record.diverged or not sound


def state(record: Record) -> str:
    """What its files say became of a run: ``missing``, ``failed``, ``diverged`` or ``done``."""
    if record.folder is None:
        return "missing"
    if diverged(record):
        return "diverged"
    return "done" if record.scores else "failed"


def usable(record: Record) -> bool:
    """Whether a run's scores may enter a mean."""
    return state(record) == "done"
