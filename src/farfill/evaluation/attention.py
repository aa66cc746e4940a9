"""Where a trained attention looks, picture by picture."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from farfill.data.protocol import Source, SyntheticSource
from farfill.metric import attention as measure
from farfill.op.spatial import resize_nearest
from farfill.types import AttentionResult, Batch


class AttentionTrace(NamedTuple):
    """What an attention layer did to a batch."""

    offsets: Tensor  # (N, 2, h, w), int64
    hole: Tensor  # (N, h, w), bool, True = missing, as the layer has it on its grid
    features: tuple[int, int]  # height and width of the feature map
    weights: Tensor | None  # (N, h, w, h', w'); None where the layer has none
    stride: int  # grid of the weights' sources


def trace_attention(generator: Any, batch: Batch) -> AttentionTrace | None:
    """Complete the pictures and watch the attention; ``None`` if there is nothing to see."""
    layer = getattr(getattr(generator, "refinement", None), "attention", None)
    if layer is None:
        return None
    calls: list[tuple[tuple[Tensor, ...], AttentionResult]] = []
    handle = layer.register_forward_hook(lambda _, inputs, result: calls.append((inputs, result)))
    try:
        generator(batch.masked, batch.hole)
    finally:
        handle.remove()
    inputs, (_, offsets) = calls[-1] if calls else ((), (None, None))
    if offsets is None:  # or the coarse stage alone, which does not ask it
        return None
    hole = resize_nearest(inputs[2], *offsets.shape[-2:])[:, 0] != 0
    weights = layer.attend(*inputs) if hasattr(layer, "attend") else None
    height, width = inputs[0].shape[-2:]
    return AttentionTrace(offsets, hole, (height, width), weights, getattr(layer, "stride", 1))


def contents(source: Source, paths: Sequence[Path], batch: Batch) -> list[Tensor] | None:
    """What every pixel of the pictures shows, ``(K, H, W)`` each; None where the source is mute."""
    if not isinstance(source, SyntheticSource):
        return None
    shown = (source.content(paths[n], batch.image.shape[-1]) for n in batch.index.tolist())
    return [torch.from_numpy(one).to(batch.image.device, torch.float32) for one in shown]


def measure_pictures(
    trace: AttentionTrace, shown: Sequence[Tensor] | None, tolerance: float
) -> dict[str, Tensor]:
    """Every measure of :mod:`farfill.metric.attention` of single pictures, by name: ``(N,)``."""
    rows = []
    for number, (offsets, hole) in enumerate(zip(trace.offsets, trace.hole, strict=True)):
        row = measure.distances(offsets, hole, trace.features)
        row["hole_weight"] = measure.source_in_hole(offsets, hole)
        if trace.weights is not None:
            row |= measure.weight_measures(trace.weights[number], hole, trace.stride)
        if shown is not None:
            content = shown[number]
            axes = zip(hole.shape, trace.features, content.shape[1:], strict=True)
            y, x = (measure.pixel_index(*sizes).to(hole.device) for sizes in axes)
            row |= measure.hit_rates(offsets, hole, content, (y, x), tolerance)
        rows.append(row)
    return {name: torch.stack([row[name].float() for row in rows]) for name in rows[0]}


def in_the_middle(batch: Batch) -> Batch:
    """The same pictures with one hole, a box of the run's size in their middle."""
    hole = torch.zeros_like(batch.hole)
    (height, width), (h, w) = hole.shape[-2:], batch.box[0, 2:].tolist()
    top, left = (height - h) // 2, (width - w) // 2
    hole[..., top : top + h, left : left + w] = 1
    return batch._replace(hole=hole)


@torch.inference_mode()
def score_attention(
    generator: nn.Module,
    loader: Iterable[Batch],
    source: Source,
    paths: Sequence[Path],
    pictures: int,
    tolerance: float,
) -> dict[int, dict[str, float]]:
    """Measure where the attention looks in the first ``pictures``, each once, as of training.

    What compares two maps compares those of two pictures, under one hole; no picture is in two
    pairs, so that pairs are as independent as pictures. It stands with the first of both, and the
    second has none.

    Returns index -> ``attention_<measure>`` -> value, NaN where there is none; empty without an
    attention.
    """
    scores: dict[int, dict[str, float]] = {}
    maps: dict[Path, tuple[int, Tensor]] = {}  # of a picture's first sample
    hole, features = torch.empty(0), (0, 0)
    device = next(generator.parameters()).device
    for batch in loader:
        wanted = batch.index < pictures
        few = Batch(*(part[wanted].to(device) for part in batch))
        if not wanted.any() or (trace := trace_attention(generator, few)) is None:
            break
        columns = measure_pictures(trace, contents(source, paths, few), tolerance)
        middle = trace_attention(generator, in_the_middle(few))
        assert middle is not None
        hole, features = middle.hole[0], middle.features
        for number, index in enumerate(few.index.tolist()):
            scores[index] = {name: float(column[number]) for name, column in columns.items()}
            maps.setdefault(paths[index], (index, middle.offsets[number]))
    first = [*maps.values()]
    half = len(first) // 2
    nothing = dict.fromkeys(measure.COMPARED, torch.nan)
    for row in scores.values():
        row |= nothing
    # The far halves: neighbours in a list may be frames of one film.
    for (index, one), (_, other) in zip(first[:half], first[half:], strict=False):
        found = measure.map_similarity(torch.stack([one, other]), hole, features)
        scores[index] |= {name: float(value) for name, value in found.items()}
    return {
        index: {f"attention_{name}": value for name, value in row.items()}
        for index, row in scores.items()
    }
