"""Single pictures of an evaluation, and the index by which a report finds them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from farfill.files import atomic
from farfill.image.contact_sheet import to_uint8
from farfill.image.write import write_picture
from farfill.op.colour import flow_to_colour
from farfill.op.spatial import resize_nearest
from farfill.types import Batch

INDEX = "pictures/index.json"
ORIGINAL, MASKED, BORROWS = "original", "masked", "borrows from"
#: Draws ``(N, 3, H, W)`` in ``[-1, 1]``, or nothing.
Painter = Callable[[Batch], Tensor | None]


def attention_map(offsets: Tensor | None, batch: Batch) -> Tensor | None:
    """Where attention borrows from, in colours: ``(N, 3, H, W)``; None if it has no offsets."""
    if offsets is None:
        return None
    return resize_nearest(flow_to_colour(offsets), *batch.image.shape[-2:])


def attention_maps(generator: nn.Module) -> Painter:
    """Draws the :func:`attention_map` of a generator."""
    return lambda batch: attention_map(generator(batch.masked, batch.hole).offsets, batch)


@torch.inference_mode()
def paint(
    painters: Mapping[str, Painter],
    loader: Iterable[Batch],
    chosen: set[int],
    device: torch.device | str,
) -> dict[int, dict[str, Tensor]]:
    """Chosen index -> title -> ``(3, H, W)``, the original and the masked picture first."""
    painted: dict[int, dict[str, Tensor]] = {}
    for batch in loader:
        if picked := [n for n, index in enumerate(batch.index.tolist()) if index in chosen]:
            few = Batch(*(part[picked].to(device) for part in batch))
            made = {title: painter(few) for title, painter in painters.items()}
            columns = {ORIGINAL: few.image, MASKED: few.masked + few.hole, **made}
            for n, index in enumerate(few.index.tolist()):
                painted[index] = {
                    t: column[n] for t, column in columns.items() if column is not None
                }
    return painted


def write_pictures(folder: Path, painted: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write ``pictures/<title>/<index>.png`` and, when all are there, ``pictures/index.json``."""
    files: dict[int, dict[str, str]] = {index: {} for index in sorted(painted)}
    for index, row in files.items():
        for title, picture in painted[index].items():
            # A title may hold anything, a checkpoint's name for example.
            slug = re.sub(r"[^\w.-]+", "_", title).strip("_.") or "_"
            row[title] = f"{slug}/{index}.png"
            write_picture(folder / "pictures" / row[title], to_uint8(picture))
    with atomic(folder / INDEX) as part:
        part.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def read_pictures(folder: Path) -> dict[int, dict[str, Path]]:
    """Index in the data set -> title -> file; empty for an evaluation that kept none.

    Raises:
        ValueError: The list of them is damaged.
    """
    path = folder / INDEX
    if not path.is_file():
        return {}
    try:
        files: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
        return {
            int(index): {title: path.parent / name for title, name in row.items()}
            for index, row in files.items()
        }
    except (ValueError, TypeError, AttributeError, RecursionError):
        raise ValueError(f"{path} is damaged: mend it or move it away") from None
