"""Everything an evaluation leaves behind, in one folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from farfill.baseline.protocol import Inpainter
from farfill.evaluation import table
from farfill.evaluation.manifest import Manifest, write
from farfill.evaluation.score import score
from farfill.files import atomic
from farfill.image.contact_sheet import sheet
from farfill.image.write import write_picture
from farfill.metric.suite import NAMES
from farfill.types import Batch


def report(
    folder: str | Path,
    fillers: Mapping[str, Inpainter],
    loader: Iterable[Batch],
    manifest: Manifest,
    device: torch.device | str = "cpu",
    k: int = 4,
    by: str = "psnr_hole",
) -> str:
    """Score ``fillers`` on the same pictures and holes, and write tables and picture sheets.

    Writes ``table.md``, ``table.csv``, ``per_image.csv``, ``result.json``, ``manifest.json``,
    ``best.png`` and ``worst.png``, each whole or not at all.

    Args:
        folder: Made if need be; files of an earlier report are replaced.
        fillers: Row title -> filler. The first is compared with the others, and chooses the sheets.
        loader: Yields the manifest's pictures, each once, whenever it is iterated.
        manifest: What ``loader`` yields, see :mod:`farfill.evaluation.manifest`.
        device: Where fillers and metrics compute.
        k: Pictures on a sheet.
        by: Metric that ranks the first filler's pictures for the sheets.

    Returns:
        The markdown table.

    Raises:
        ValueError: ``by`` is no metric with a better direction, or ``loader`` is empty.
    """
    if by not in (rankable := [name for name in NAMES if table.arrow(name)]):
        raise ValueError(f"by: expected one of {', '.join(rankable)}, got {by}.")
    folder = Path(folder)
    scores = {title: score(filler, loader, device) for title, filler in fillers.items()}
    result = table.compare(scores, manifest)
    texts = {
        "table.md": table.markdown(result),
        "table.csv": table.summary_csv(result),
        "per_image.csv": table.per_image_csv(result),
        "result.json": table.result_json(result),
    }
    for name, text in texts.items():
        with atomic(folder / name) as part:
            # A file's name may hold bytes that are no letters.
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
    write(folder / "manifest.json", manifest)

    ranked = next(iter(scores.values())).ranked(by)
    if table.arrow(by) == "↓":
        ranked.reverse()
    worst, best = ranked[:k], ranked[::-1][:k]
    rows = _rows(fillers, loader, {*worst, *best}, device)
    for name, chosen in (("worst.png", worst), ("best.png", best)):
        titles = ["original", "masked", *fillers]
        write_picture(folder / name, sheet([rows[index] for index in chosen], titles))
    return texts["table.md"]


@torch.inference_mode()
def _rows(
    fillers: Mapping[str, Inpainter],
    loader: Iterable[Batch],
    chosen: set[int],
    device: torch.device | str,
) -> dict[int, list[Tensor]]:
    """Rows of a sheet by index, made in a second pass: a data set does not fit into memory."""
    rows: dict[int, list[Tensor]] = {}
    for batch in loader:
        picked = np.flatnonzero(np.isin(batch.index.numpy(), list(chosen)))
        if len(picked):
            few = Batch(*(part[picked].to(device) for part in batch))
            white = few.masked + few.hole
            columns = [few.image, white, *(filler(few) for filler in fillers.values())]
            for index, *row in zip(few.index.tolist(), *columns, strict=True):
                rows[index] = row
    return rows
