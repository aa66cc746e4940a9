"""The same validation pictures as every cell completes them, and where each borrows from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from farfill.ablation.sweep import Sweep
from farfill.image.contact_sheet import PADDING, TITLE_HEIGHT, sheet
from farfill.rundir.record import Record

GIVEN = ("original", "masked")
SHOWN = ("completed", "borrows from")
CELL = 128  # pixels a picture is enlarged to, at most


def side_by_side(sweep: Sweep, titles: Sequence[str]) -> tuple[np.ndarray, int] | None:
    """One seed's pictures: a column per cell; below each completion the cell's attention map.

    Args:
        sweep: Its runs' folders have ``pictures/step-<n>.png``; the last of each is taken.
        titles: Columns of those sheets; they name :data:`GIVEN` and :data:`SHOWN`.

    Returns:
        uint8 RGB, and the seed: that which most cells have. None if no cell has pictures.
    """
    by_seed: dict[int, dict[str, list[dict[str, Tensor]]]] = {}
    for cell, runs in sweep.cells.items():
        for run in runs:
            if (path := last_sheet(run)) is not None:
                by_seed.setdefault(run.seed, {})[cell] = read_sheet(path, titles)
    if not by_seed:
        return None
    seed = max(by_seed, key=lambda one: (len(by_seed[one]), -one))
    cells = by_seed[seed]
    first = next(iter(cells.values()))
    rows = []
    for number, given in enumerate(first):
        for part in SHOWN:
            blank = torch.ones_like(given[part])
            left = [given[name] if part == SHOWN[0] else blank for name in GIVEN]
            rows.append([*left, *(sheets[number][part] for sheets in cells.values())])
    return sheet(rows, [*GIVEN, *cells], CELL), seed


def last_sheet(run: Record) -> Path | None:
    """The sheet of a run's last validation."""
    sheets = sorted((run.folder / "pictures").glob("step-*.png")) if run.folder else []
    return sheets[-1] if sheets else None


def read_sheet(path: Path, titles: Sequence[str]) -> list[dict[str, Tensor]]:
    """Take a sheet of square pictures apart: title -> ``(3, H, W)`` in ``[-1, 1]``, row by row."""
    pixels = torch.from_numpy(np.array(Image.open(path))).permute(2, 0, 1) / 127.5 - 1
    step = (pixels.shape[2] - PADDING) // len(titles)
    rows = (pixels.shape[1] - TITLE_HEIGHT - PADDING) // step
    inner = slice(PADDING, step)
    cut = pixels[:, TITLE_HEIGHT:]
    return [
        {
            title: cut[:, r * step : (r + 1) * step, c * step : (c + 1) * step][:, inner, inner]
            for c, title in enumerate(titles)
        }
        for r in range(rows)
    ]
