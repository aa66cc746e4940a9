"""Run an inpainter over a data set and measure every picture."""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from farfill.metric.distance import Distance
from farfill.metric.suite import NAMES, per_image
from farfill.text import about, say
from farfill.types import Batch, Inpainter

LONG = 60.0  # seconds for all pictures; more is announced


class Scores(NamedTuple):
    """What an inpainter achieved."""

    pictures: dict[int, dict[str, float]]  # index -> metric -> value
    seconds: float  # mean time to complete a picture
    shares: dict[int, float]  # index -> how much of the picture is missing, in (0, 1]

    @property
    def names(self) -> list[str]:
        """The metrics: those of the suite first."""
        return list(next(iter(self.pictures.values())))

    @property
    def table(self) -> np.ndarray:
        """All values, ``(pictures, metrics)``, by index and in the order of the names."""
        rows = (row for _, row in sorted(self.pictures.items()))
        return np.array([[row[name] for name in self.names] for row in rows])


def announced(title: str, inpainter: Inpainter, pictures: int) -> Inpainter:
    """``inpainter``, but if it takes long over all ``pictures``, its first batch says how long."""
    pending = True

    def complete(batch: Batch) -> Tensor:
        nonlocal pending
        start = time.perf_counter()
        completed = inpainter(batch)
        seconds = (time.perf_counter() - start) / len(batch.image) * pictures
        if pending and seconds > LONG:
            say(
                f"farfill: {title} takes {about(seconds)} for {pictures} pictures; "
                "baseline= chooses which ones are scored",
                error=True,
            )
        pending = False
        return completed

    return complete


@torch.inference_mode()
def score(
    inpainter: Inpainter,
    loader: Iterable[Batch],
    device: torch.device | str,
    distances: Sequence[Distance] = (),
    clusters: Mapping[int, str] | None = None,
) -> Scores:
    """Complete and measure what ``loader`` yields, each picture once, but at least one.

    Pictures of one cluster (index -> name) show the same; without them, each is one of its own.
    A distance is NaN where a picture's completion is not finite; one of sets is so everywhere.
    """
    described: list[dict[int, Tensor]] = [{} for _ in distances]
    pictures: dict[int, dict[str, float]] = {}
    shares: dict[int, float] = {}
    times: list[float] = []
    counts: list[int] = []
    for batch in loader:
        batch = Batch(*(part.to(device) for part in batch))
        start = _now(device)
        completed = inpainter(batch)
        times.append(_now(device) - start)
        counts.append(len(batch.image))
        values = torch.stack(list(per_image(completed, batch.image, batch.hole).values()), dim=1)
        for index, row in zip(batch.index.tolist(), values.tolist(), strict=True):
            pictures[index] = dict(zip(NAMES, row, strict=True))
        missing = batch.hole.double().mean((1, 2, 3))
        shares |= zip(batch.index.tolist(), missing.tolist(), strict=True)
        for distance, known in zip(distances, described, strict=True):
            parts = distance.describe(completed, batch).cpu()
            known |= zip(batch.index.tolist(), parts, strict=True)
    if not pictures:
        raise ValueError("evaluate: expected at least one picture to score, got none.")
    for distance, known in zip(distances, described, strict=True):
        indices = sorted(known)  # so that the order of the pictures changes nothing
        whole = torch.stack([known[index] for index in indices])
        groups = [clusters[index] for index in indices] if clusters else ()
        finite = bool(whole.isfinite().all()) or whole.ndim == 1
        each = distance.values(whole, groups) if finite else torch.full((len(whole),), torch.nan)
        for index, value in zip(indices, each.tolist(), strict=True):
            pictures[index][distance.name] = value
    # The first batch warms up the device and its libraries: it counts only if it is alone.
    first = 1 if len(times) > 1 else 0
    return Scores(pictures, sum(times[first:]) / sum(counts[first:]), shares)


def _now(device: torch.device | str) -> float:
    """Seconds on a steady clock, after the device has done what it was asked."""
    if torch.device(device).type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
