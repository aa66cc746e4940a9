"""Results as markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from farfill.evaluation.manifest import Manifest
from farfill.evaluation.score import Scores
from farfill.evaluation.statistics import Estimate, estimate, paired_difference
from farfill.metric.suite import NAMES

# Total variation has no better direction: both blur and noise are wrong.
ARROWS = {"l1": "↓", "l2": "↓", "relative": "↓", "psnr": "↑", "ssim": "↑"}
PRINTED = (
    "l1_hole",
    "l2_hole",
    "relative_l1_full",
    "relative_l2_full",
    "psnr_full",
    "psnr_hole",
    "ssim_full",
    "tv_anisotropic_full",
)


class Interval(NamedTuple):
    """A mean over pictures with its 95 % interval; the ends are NaN for a single picture."""

    mean: float
    low: float
    high: float


Intervals = dict[str, dict[str, Interval]]


class Comparison(NamedTuple):
    """Fillers scored on the same pictures.

    Attributes:
        scores: Inpainter -> its scores.
        manifest: What they were scored on.
        means: Inpainter -> metric -> mean with interval.
        differences: ``first minus other`` -> metric -> mean of the picture-by-picture difference.
    """

    scores: Mapping[str, Scores]
    manifest: Manifest
    means: Intervals
    differences: Intervals


def compare(scores: Mapping[str, Scores], manifest: Manifest) -> Comparison:
    """Estimate every filler's means, and the first filler's differences from the others."""
    (first, ours), *others = scores.items()
    means = {title: _by_metric(estimate(one.table)) for title, one in scores.items()}
    differences = {
        f"{first} minus {title}": _by_metric(paired_difference(ours.table, one.table))
        for title, one in others
    }
    return Comparison(scores, manifest, means, differences)


def arrow(name: str) -> str:
    """Better direction of the metric ``name``, empty where there is none."""
    return ARROWS.get(name.split("_")[0], "")


def markdown(result: Comparison) -> str:
    """Tables of the printed metrics and of the paired differences, and a caption.

    A metric is a row, so that a table fits into a terminal; columns are padded for the same reason.
    """
    seconds = [f"{one.seconds:.3f}" for one in result.scores.values()]
    tables = [[*_table("metric", result.means), ["s / picture", *seconds]]]
    if result.differences:
        minus = f"{next(iter(result.scores))} minus"
        others = {title.removeprefix(f"{minus} "): row for title, row in result.differences.items()}
        tables.append(_table(f"{minus} ...", others))
    height, width = result.manifest.image_size
    caption = (
        f"Mean [95 % bootstrap interval over pictures]; n = {len(result.manifest.entries)}, "
        f"{height} x {width} pixels,\n"
        f"mask {result.manifest.mask}, manifest {result.manifest.hash}."
    )
    return "\n\n".join([*map(_padded, tables), caption]) + "\n"


def _table(corner: str, columns: Intervals) -> list[list[str]]:
    """Rows of cells: a header, then a metric each."""
    return [
        [corner, *columns],
        *(
            [f"{name} {arrow(name)}".strip(), *(_cell(name, row[name]) for row in columns.values())]
            for name in PRINTED
        ),
    ]


def _padded(table: list[list[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    first, *others = table
    aligned = [
        [
            row[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)),
        ]
        for row in (first, *others)
    ]
    return "\n".join(f"| {' | '.join(row)} |" for row in (aligned[0], rule, *aligned[1:]))


def summary_csv(result: Comparison) -> str:
    """One line per filler: every metric's mean, lower and upper end."""
    return _csv(
        [
            {
                "filler": title,
                "n": len(result.manifest.entries),
                "manifest": result.manifest.hash,
                "seconds": result.scores[title].seconds,
                **{
                    f"{name}{end}": number
                    for name, interval in row.items()
                    for end, number in zip(("", "_low", "_high"), interval, strict=True)
                },
            }
            for title, row in result.means.items()
        ]
    )


def per_image_csv(result: Comparison) -> str:
    """One line per filler and picture: every metric."""
    names = {entry.index: entry.name for entry in result.manifest.entries}
    return _csv(
        [
            {"filler": title, "index": index, "name": names[index], **values}
            for title, one in result.scores.items()
            for index, values in one.pictures.items()
        ]
    )


def result_json(result: Comparison) -> str:
    """Everything but the single pictures, for programs. What is not finite is null."""
    content = {
        "manifest": result.manifest.hash,
        "n": len(result.manifest.entries),
        "seed": result.manifest.seed,
        "image_size": result.manifest.image_size,
        "mask": result.manifest.mask,
        "fillers": {
            title: {"seconds": result.scores[title].seconds, "metrics": _plain(row)}
            for title, row in result.means.items()
        },
        "differences": {title: _plain(row) for title, row in result.differences.items()},
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _by_metric(values: Estimate) -> dict[str, Interval]:
    """Take an estimate of all metrics apart."""
    columns = np.stack(values[:3], axis=1).tolist()
    return {name: Interval(*column) for name, column in zip(NAMES, columns, strict=True)}


def _cell(name: str, value: Interval) -> str:
    """``mean [low, high]`` with two digits for dB, four for all else."""
    digits = 2 if name.startswith("psnr") else 4
    if math.isnan(value.low):
        return f"{value.mean:.{digits}f} [n/a]"
    return f"{value.mean:.{digits}f} [{value.low:.{digits}f}, {value.high:.{digits}f}]"


def _plain(row: dict[str, Interval]) -> dict[str, dict[str, float | None]]:
    """Numbers that JSON has: it knows no NaN."""
    return {
        name: {key: x if math.isfinite(x) else None for key, x in interval._asdict().items()}
        for name, interval in row.items()
    }


def _csv(rows: list[dict[str, Any]]) -> str:
    """Write ``rows``, which share their keys, under a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


REGIONS = {"hole": "in the hole", "full": "over the whole picture"}
_CAPITALS = {word: word.upper() for word in ("l1", "l2", "psnr", "ssim", "tv")}


def metric_title(metric: str, region: str) -> str:
    """``L1 in the hole ↓``: the arrow shows which direction is better."""
    words = " ".join(_CAPITALS.get(word, word) for word in metric.split("_"))
    return f"{words} {REGIONS[region]} {arrow(metric)}".strip()
