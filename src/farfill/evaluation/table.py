"""Inpainters compared on the same pictures; the results as markdown, CSV and JSON."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from farfill.evaluation.manifest import Manifest
from farfill.evaluation.ranges import differing, possible, within
from farfill.evaluation.score import Scores
from farfill.evaluation.statistics import Estimate, by_cluster, estimate
from farfill.metric.distance import is_of_sets
from farfill.metric.suite import NAMES

# Total variation has no better direction: both blur and noise are wrong.
ARROWS = {
    **{"l1": "↓", "l2": "↓", "relative": "↓", "psnr": "↑", "ssim": "↑"},
    **{"swd": "↓", "lpips": "↓", "fid": "↓", "uids": "↑"},
}
PRINTED = (
    *("l1_hole", "l2_hole", "relative_l1_full", "relative_l2_full"),
    *("psnr_full", "psnr_hole", "ssim_full", "tv_anisotropic_full"),
)
#: Also for holes of every size by themselves, beside LPIPS: what papers on irregular holes print.
BY_SHARE = ("l1_hole", "psnr_full", "ssim_full")
SIZES = 3  # tenths of the picture that the holes have to fall into for that
REGIONS = {"hole": "in the hole", "full": "over the whole picture"}
Row = dict[str, Estimate]  # by metric


class Part(NamedTuple):
    """Inpainters compared by some of the pictures."""

    samples: int
    clusters: int
    means: dict[str, Row]  # by inpainter
    differences: dict[str, Row]  # `first minus other` -> means of differences by picture


class Comparison(NamedTuple):
    """Inpainters scored on the same pictures."""

    scores: Mapping[str, Scores]  # by inpainter
    manifest: Manifest  # what they were scored on
    whole: Part
    by_share: dict[int, Part]  # tenth of the picture that is missing, from 0 -> its holes'

    @property
    def means(self) -> dict[str, Row]:
        """Of all pictures, by inpainter."""
        return self.whole.means

    @property
    def differences(self) -> dict[str, Row]:
        """Of all pictures, ``first minus other``."""
        return self.whole.differences


def compare(scores: Mapping[str, Scores], manifest: Manifest) -> Comparison:
    """Estimate all inpainters' means, and the first one's paired differences from the others.

    The samples of a cluster are averaged first, so that several holes of a picture count once.
    Holes of :data:`SIZES` tenths of the picture and more are compared by tenth, too.
    """
    ours, *others = scores.values()
    if any(theirs.pictures.keys() != ours.pictures.keys() for theirs in others):
        raise ValueError("compare: expected every inpainter to be scored on the same pictures.")
    tenths = np.array([min(int(ours.shares[index] * 10), 9) for index in sorted(ours.pictures)])
    found = np.unique(tenths).tolist()
    parts = {}
    if len(found) >= SIZES:
        names = [name for name in ours.names if _has_sizes(name)]
        parts = {tenth: _part(scores, manifest, names, tenths == tenth) for tenth in found}
    everything = np.full(len(tenths), True)
    return Comparison(scores, manifest, _part(scores, manifest, ours.names, everything), parts)


def _part(
    scores: Mapping[str, Scores], manifest: Manifest, names: Sequence[str], chosen: np.ndarray
) -> Part:
    """Compare by some of the metrics and of the pictures, a flag for each."""
    entries = zip(manifest.entries, chosen, strict=True)
    clusters = [entry.cluster for entry, flag in entries if flag]
    tables = {
        title: one.table[chosen][:, [one.names.index(name) for name in names]]
        for title, one in scores.items()
    }
    (first, ours), *others = tables.items()
    means = {title: _row(names, table, clusters) for title, table in tables.items()}
    gaps = {
        f"{first} minus {title}": _row(names, ours - theirs, clusters, paired=True)
        for title, theirs in others
    }
    return Part(len(clusters), len({*clusters}), means, gaps)


def _row(
    names: Sequence[str], table: np.ndarray, clusters: Sequence[str], paired: bool = False
) -> Row:
    """Estimate all columns of ``(samples, metrics)`` at once, so that pictures stay whole.

    ``paired``: they are differences.
    """
    grouped = by_cluster(table, clusters, [is_of_sets(name) for name in names])
    # A completion that is not finite is a fault, and no value that is undefined: it has to show.
    grouped[:, ~np.isfinite(table).all(axis=0)] = np.nan
    *arrays, runs, images = estimate(grouped[None])
    row = {}
    for name, *numbers in zip(names, *(array.tolist() for array in arrays), strict=True):
        ends = differing(*possible(name)) if paired else possible(name)
        row[name] = within(Estimate._make([*numbers, runs, images]), *ends)
    return row


def arrow(name: str) -> str:
    """Better direction of the metric ``name``, empty where there is none."""
    return ARROWS.get(name.split("_")[0], "")


def metric_title(metric: str, region: str) -> str:
    """``L1 in the hole ↓``: the arrow shows which direction is better."""
    # Abbreviations are short: L1, PSNR, SSIM, TV.
    words = (word.upper() if len(word) < 5 else word for word in metric.split("_"))
    return f"{' '.join(words)} {REGIONS[region]} {arrow(metric)}".strip()


def markdown_table(
    titles: Sequence[str],
    rows: Iterable[Sequence[object]],
    text_columns: Sequence[int] = (0,),
    padded: bool = False,
) -> str:
    """A table in Markdown; a cell may hold anything, nothing in it ends the cell.

    ``text_columns`` are aligned left, all others hold numbers and are aligned right; ``padded``
    aligns them for those who read it in a terminal, too.
    """
    texts = [[str(cell).replace("|", r"\|") for cell in row] for row in (titles, *rows)]
    columns = []
    for number, column in enumerate(zip(*texts, strict=True)):
        cells = [" ".join(text.split()) for text in column]
        width = max(map(len, cells)) if padded else 0
        if number in text_columns:
            rule, side = "-" * max(width, 3), "<"
        else:
            rule, side = "-" * max(width - 1, 3) + ":", ">"
        first, *others = (f"{cell:{side}{width}}" for cell in cells)
        columns.append([first, rule, *others])
    return "\n".join(f"| {' | '.join(row)} |" for row in zip(*columns, strict=True))


def interval_text(value: Estimate, digits: str = ".4g") -> str:
    """``mean [low, high]``, every number in the format ``digits``."""
    ends = "n/a" if math.isnan(value.low) else f"{value.low:{digits}}, {value.high:{digits}}"
    return f"{value.mean:{digits}} [{ends}]"


def markdown(result: Comparison) -> str:
    """Tables of the printed metrics and of the paired differences, narrow enough for a terminal."""
    minus = f"{next(iter(result.scores))} minus "
    seconds = ["s / picture", *(f"{one.seconds:.3f}" for one in result.scores.values())]
    measured = next(iter(result.scores.values())).names
    distances = [name for name in measured if name not in NAMES]
    sizes = [name for name in measured if _has_sizes(name)]
    parts = []
    for corner, columns, more in (
        ("metric", attrgetter("means"), [seconds]),
        (f"{minus}...", attrgetter("differences"), []),
    ):
        titles = [title.removeprefix(minus) for title in columns(result)]
        rows = [_line(name, arrow(name), columns(result)) for name in (*PRINTED, *distances)]
        rows += [
            _line(name, f"{_tenth(tenth)} {arrow(name)}", columns(part))
            for name in sizes
            for tenth, part in result.by_share.items()
        ]
        if titles:
            parts.append(markdown_table([corner, *titles], [*rows, *more], padded=True))
    height, width = result.manifest.image_size
    parts.append(
        f"Mean [95 % bootstrap interval over pictures]; n = {_count(result.whole)}, "
        f"{height} x {width} pixels,\n"
        f"mask {result.manifest.mask}, manifest {result.manifest.hash}."
    )
    if result.by_share:
        counts = (f"{_tenth(tenth)}: {_count(part)}" for tenth, part in result.by_share.items())
        parts.append(f"By how much of the picture is missing, n = {', '.join(counts)}.")
    if distances:
        parts.append(
            "swd, fid and uids are of all pictures together: compare them at equal n only. A name\n"
            "says whose features count; those of efficientnet_lite0 do not compare with papers."
        )
    return "\n\n".join(parts) + "\n"


def _line(name: str, what: str, columns: Mapping[str, Row]) -> list[str]:
    digits = ".2f" if name.startswith(("psnr", "fid")) else ".4f"
    intervals = (interval_text(row[name], digits) for row in columns.values())
    return [f"{name} {what}".strip(), *intervals]


def _has_sizes(name: str) -> bool:
    """Whether the metric ``name`` is printed by the holes' sizes: LPIPS's name has its network."""
    return name in BY_SHARE or name.startswith("lpips")


def _tenth(number: int) -> str:
    return f"{10 * number}-{10 * (number + 1)} %"


def _count(part: Part) -> str:
    if part.samples == part.clusters:
        return f"{part.samples}"
    return f"{part.clusters} ({part.samples} samples)"


def summary_csv(result: Comparison) -> str:
    """One line per inpainter: every metric's mean, lower and upper end."""
    lines = []
    for title, row in result.means.items():
        line = {
            "filler": title,
            "n": result.whole.samples,
            "clusters": result.whole.clusters,
            "manifest": result.manifest.hash,
            "seconds": result.scores[title].seconds,
        }
        for name, value in row.items():
            line |= {name: value.mean, f"{name}_low": value.low, f"{name}_high": value.high}
        lines.append(line)
    return _csv(lines)


def per_image_csv(result: Comparison, more: Mapping[int, Mapping[str, float]]) -> str:
    """One line per inpainter and picture: every metric, and how much of the picture is missing.

    ``more`` are further ones of the first inpainter's pictures, by index; others have none.
    """
    names = {entry.index: entry.name for entry in result.manifest.entries}
    absent = dict.fromkeys((name for row in more.values() for name in row), math.nan)
    first, lines = next(iter(result.scores)), []
    for title, scores in result.scores.items():
        for index, values in scores.pictures.items():
            line = {"filler": title, "index": index, "name": names[index], **values}
            line |= {"hole_share": scores.shares[index]}
            lines.append(line | {**absent, **more.get(index, {})} if title == first else line)
    return _csv(lines)


def result_json(result: Comparison) -> str:
    """Everything but the single pictures, for programs. What is not finite is null."""
    content = {
        "manifest": result.manifest.hash,
        "n": result.whole.samples,
        "clusters": result.whole.clusters,
        "seed": result.manifest.seed,
        "image_size": result.manifest.image_size,
        "mask": result.manifest.mask,
        "fillers": {
            title: {"seconds": result.scores[title].seconds, "metrics": _plain(row)}
            for title, row in result.means.items()
        },
        "differences": {title: _plain(row) for title, row in result.differences.items()},
        "by_share": {
            _tenth(tenth): {
                "n": part.samples,
                "clusters": part.clusters,
                "fillers": {title: _plain(row) for title, row in part.means.items()},
                "differences": {title: _plain(row) for title, row in part.differences.items()},
            }
            for tenth, part in result.by_share.items()
        },
    }
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _plain(row: Row) -> dict[str, dict[str, float | None]]:
    ends = ("mean", "low", "high")
    return {
        name: {end: x if math.isfinite(x) else None for end, x in zip(ends, value, strict=False)}
        for name, value in row.items()
    }


def _csv(rows: Iterable[dict[str, Any]]) -> str:
    text, lines = io.StringIO(), [*rows]
    writer = csv.DictWriter(text, list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()
