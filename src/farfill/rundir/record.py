"""What one run of a sweep left behind, read without Hydra, torch or a GPU."""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

#: Lightning's axis in wandb, which counts generator steps; in metrics.csv it is `step`.
AXIS = "trainer/global_step"
OURS = "this run"
L1 = "val/l1_hole"
VARIANCE = "val/hole_variance"
CRITIC = "train/critic/total"
PICTURES = "val/pictures"
EXAMPLES = "val/examples"


class Curve(NamedTuple):
    """A logged quantity over generator steps; values may be NaN or infinite, as logged."""

    steps: np.ndarray
    values: np.ndarray


@dataclass(frozen=True)
class Record:
    """One run: a cell of the sweep with one seed.

    Attributes:
        cell: Swept option -> value, as text; the seed is not among them.
        seed: Of the run.
        folder: The run's folder; None if it never started.
        config: Flat configuration as composed, interpolations unresolved: ``{"gan.weight": 0.1}``.
        curves: Logged quantity -> curve, from ``metrics.csv``.
        scores: Inpainter -> metric -> value of every picture, from ``report/per_image.csv``.
        pictures: Index and name of every picture scored.
        manifest: Hash of what was scored; empty without a report.
        error: Why it failed, if the log says so.
    """

    cell: Mapping[str, str]
    seed: int
    folder: Path | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    curves: Mapping[str, Curve] = field(default_factory=dict)
    scores: Mapping[str, Mapping[str, np.ndarray]] = field(default_factory=dict)
    pictures: tuple[str, ...] = ()
    manifest: str = ""
    error: str = ""

    @property
    def label(self) -> str:
        """The cell in words, without the seed."""
        return label(self.cell)


def label(cell: Mapping[str, str]) -> str:
    """``attention=none, gan=hinge``; a sweep over nothing but seeds has one cell."""
    return ", ".join(f"{key}={value}" for key, value in cell.items()) or "the run"


def read_record(
    folder: Path, cell: Mapping[str, str], seed: int, config: Mapping[str, Any]
) -> Record:
    """Read a run's folder with the rest given, see :class:`Record`; what is not there is empty."""
    scores, pictures = _scores(folder / "report" / "per_image.csv")
    manifest = folder / "report" / "manifest.json"
    return Record(
        cell=cell,
        seed=seed,
        folder=folder,
        config=config,
        curves=_curves(folder),
        scores=scores,
        pictures=pictures,
        manifest=json.loads(manifest.read_text())["hash"] if manifest.is_file() else "",
        error=_error(folder),
    )


def diverged(record: Record) -> bool:
    """Whether a loss is not finite in the end, or the validation L1 anywhere.

    Training skips an update whose loss is not finite; a run that gets over it has not diverged.
    """
    losses = [curve for name, curve in record.curves.items() if name.startswith("train/")]
    quality = [curve for name, curve in record.curves.items() if name.startswith("val/l1_")]
    ends = all(np.isfinite(curve.values[-1]) for curve in losses)
    return not (ends and all(np.isfinite(curve.values).all() for curve in quality))


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


def _curves(folder: Path) -> dict[str, Curve]:
    """All logged columns."""
    points: dict[str, dict[float, float]] = {}
    path = folder / "metrics.csv"
    if path.is_file():
        with path.open(newline="") as lines:
            for row in csv.DictReader(lines):
                for name, text in row.items():
                    if text and name not in ("generator_step", "step", "epoch"):
                        points.setdefault(name, {})[float(row["step"])] = float(text)
    return {
        name: Curve(np.array(sorted(column)), np.array([column[step] for step in sorted(column)]))
        for name, column in points.items()
    }


def _scores(path: Path) -> tuple[dict[str, dict[str, np.ndarray]], tuple[str, ...]]:
    """Every filler's metrics, pictures by index, and the pictures."""
    if not path.is_file():
        return {}, ()
    with path.open(newline="") as lines:
        rows = sorted(csv.DictReader(lines), key=lambda row: int(row["index"]))
    columns: dict[str, dict[str, list[float]]] = {}
    for row in rows:
        filler = columns.setdefault(row["filler"], {})
        for name in row.keys() - {"filler", "index", "name"}:
            filler.setdefault(name, []).append(float(row[name]))
    scores = {
        filler: {name: np.array(metrics[name]) for name in rows[0] if name in metrics}
        for filler, metrics in columns.items()
    }
    return scores, tuple(f"{row['index']} {row['name']}" for row in rows if row["filler"] == OURS)


def _error(folder: Path) -> str:
    """The last line that a log marks as an error."""
    texts = (path.read_text() for path in sorted(folder.glob("*.log")))
    parts = [line.partition("[ERROR] - ") for text in texts for line in text.splitlines()]
    errors = [message for _, mark, message in parts if mark]
    return errors[-1] if errors else ""
