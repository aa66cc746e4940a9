"""Single pictures of an evaluation, and the index by which a report finds them."""

import json
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from farfill.files import atomic
from farfill.image.contact_sheet import to_uint8
from farfill.image.write import write_picture
from farfill.op.colour import flow_to_colour
from farfill.op.spatial import resize_nearest
from farfill.types import Batch

FOLDER = "pictures"
INDEX = "index.json"
ORIGINAL, MASKED, BORROWS = "original", "masked", "borrows from"
#: Draws ``(N, 3, H, W)`` in ``[-1, 1]``, or nothing.
Painter = Callable[[Batch], Tensor | None]


def attention_maps(generator: nn.Module) -> Painter:
    """Where a generator's attention borrows from, every picture with its own range of colours."""

    def paint(batch: Batch) -> Tensor | None:
        offsets = generator(batch.masked, batch.hole).offsets
        if offsets is None:
            return None
        maps = torch.cat([flow_to_colour(one[None]) for one in offsets])
        return resize_nearest(maps, *batch.image.shape[-2:])

    return paint


@torch.inference_mode()
def paint(
    painters: Mapping[str, Painter],
    loader: Iterable[Batch],
    chosen: set[int],
    device: torch.device | str,
) -> dict[int, dict[str, Tensor]]:
    """Index -> title -> ``(3, H, W)``, the original and the masked picture first.

    Made in a pass of its own: a data set does not fit into memory.
    """
    painted: dict[int, dict[str, Tensor]] = {}
    for batch in loader:
        picked = np.flatnonzero(np.isin(batch.index.numpy(), list(chosen)))
        if len(picked):
            few = Batch(*(part[picked].to(device) for part in batch))
            columns = {ORIGINAL: few.image, MASKED: few.masked + few.hole}
            for title, painter in painters.items():
                if (made := painter(few)) is not None:
                    columns[title] = made
            for n, index in enumerate(few.index.tolist()):
                painted[index] = {title: column[n] for title, column in columns.items()}
    return painted


def write_pictures(folder: Path, painted: Mapping[int, Mapping[str, Tensor]]) -> None:
    """Write ``pictures/<title>/<index>.png`` and, when all are there, ``pictures/index.json``.

    Args:
        folder: Of the evaluation.
        painted: Index in the data set -> title -> picture ``(3, H, W)`` in ``[-1, 1]``.
    """
    files: dict[int, dict[str, str]] = {}
    for index, row in sorted(painted.items()):
        # A title may hold anything, a checkpoint's name for example.
        slugs = {title: re.sub(r"[^\w.-]+", "_", title).strip("_.") for title in row}
        files[index] = {title: f"{slug or '_'}/{index}.png" for title, slug in slugs.items()}
        for title, picture in row.items():
            write_picture(folder / FOLDER / files[index][title], to_uint8(picture))
    with atomic(folder / FOLDER / INDEX) as part:
        part.write_text(json.dumps(files, indent=1) + "\n", encoding="utf-8")


def read_pictures(folder: Path) -> dict[int, dict[str, Path]]:
    """Index in the data set -> title -> file; empty for an evaluation that kept none."""
    path = folder / FOLDER / INDEX
    if not path.is_file():
        return {}
    files: dict[str, dict[str, str]] = json.loads(path.read_text(encoding="utf-8"))
    return {
        int(index): {title: path.parent / name for title, name in row.items()}
        for index, row in files.items()
    }
