"""Everything an evaluation leaves behind, in one folder."""

from collections.abc import Iterable, Mapping, MutableMapping, Sequence
from pathlib import Path

import numpy as np
import torch

from farfill.evaluation import manifest as manifests
from farfill.evaluation import table
from farfill.evaluation.pictures import BORROWS, MASKED, ORIGINAL, Painter, paint, write_pictures
from farfill.evaluation.score import Scores, announced, score
from farfill.files import atomic
from farfill.image.contact_sheet import sheet
from farfill.image.write import write_picture
from farfill.metric.distance import Distance
from farfill.metric.suite import NAMES
from farfill.types import Batch, Inpainter


def write_results(
    folder: str | Path,
    inpainters: Mapping[str, Inpainter],
    loader: Iterable[Batch],
    manifest: manifests.Manifest,
    device: torch.device | str = "cpu",
    k: int = 4,
    by: str = "psnr_hole",
    attention: Painter | None = None,
    remarks: Sequence[str] = (),
    distances: Sequence[Distance] = (),
    more: Mapping[int, Mapping[str, float]] | None = None,
    scored: MutableMapping[str, Scores] | None = None,
) -> str:
    """Score ``inpainters`` on the same pictures and holes, and write tables and pictures.

    Writes ``table.md``, ``table.csv``, ``per_image.csv``, ``result.json``, ``manifest.json``, the
    sheets ``best.png``, ``worst.png`` and ``random.png`` (drawn by lot, the same of as many
    pictures), and the pictures of all three and the first ones, single, into ``pictures/``
    (:mod:`farfill.evaluation.pictures`); each file whole or not at all.

    Args:
        folder: Made if need be; files of earlier results are replaced.
        inpainters: By title. The first is compared with the others, and chooses the sheets.
        loader: Yields the manifest's pictures, each once, whenever it is iterated.
        manifest: What ``loader`` yields, see :mod:`farfill.evaluation.manifest`.
        device: Where inpainters and metrics compute.
        k: Pictures on a sheet.
        by: Metric that ranks the first inpainter's pictures for the sheets.
        attention: Draws where the first inpainter borrows from.
        remarks: What a reader of the table has to know, a sentence each; they go below it.
        distances: Measured besides the suite's metrics.
        more: Index -> further measures of the first inpainter's pictures, the same ones for each,
            for ``per_image.csv``.
        scored: What inpainters but the first achieved before on this manifest, by title, which is
            not done again; it takes up what is done now.

    Returns the markdown table.

    Raises:
        ValueError: ``by`` is no metric with a better direction, or ``loader`` is empty.
    """
    if by not in (rankable := [name for name in NAMES if table.arrow(name)]):
        raise ValueError(f"by: expected one of {', '.join(rankable)}, got {by}.")
    folder = Path(folder)
    scored = {} if scored is None else scored
    clusters = {entry.index: entry.cluster for entry in manifest.entries}
    for number, (title, inpainter) in enumerate(inpainters.items()):
        if number == 0 or title not in scored:
            slow = announced(title, inpainter, len(manifest.entries))
            scored[title] = score(slow, loader, device, distances, clusters)
    scores = {title: scored[title] for title in inpainters}
    result = table.compare(scores, manifest)
    texts = {
        "table.md": "\n".join([table.markdown(result), *(f"{text}\n" for text in remarks)]),
        "table.csv": table.summary_csv(result),
        "per_image.csv": table.per_image_csv(result, more or {}),
        "result.json": table.result_json(result),
    }
    for name, text in texts.items():
        with atomic(folder / name) as part:
            # A file's name may hold bytes that are no letters.
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
    manifests.write(folder / "manifest.json", manifest)

    first = next(iter(scores.values())).pictures
    sign = -1 if table.arrow(by) == "↓" else 1
    # A completion that is not finite has no place between the others: it is the worst.
    ranked = sorted(first, key=lambda i: sign * np.nan_to_num(first[i][by], nan=-sign * np.inf))
    worst, best = ranked[:k], ranked[::-1][:k]
    painters: dict[str, Painter] = {**inpainters, **({BORROWS: attention} if attention else {})}
    # Other runs rank otherwise: the first pictures are those that can stand side by side.
    lot = np.random.default_rng(0).permutation(sorted(ranked))[:k].tolist()
    painted = paint(painters, loader, {*worst, *best, *lot, *sorted(ranked)[:k]}, device)
    titles = [ORIGINAL, MASKED, *inpainters]
    for name, chosen in (("worst.png", worst), ("best.png", best), ("random.png", lot)):
        rows = [[painted[index][title] for title in titles] for index in chosen]
        write_picture(folder / name, sheet(rows, titles))
    write_pictures(folder, painted)
    return texts["table.md"]
