"""Predict only the part of a picture that its completion shows, and guess what that will take."""

import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.attention.contextual import ContextualAttention
from farfill.generator.two_stage import Generator, RefinementStage, check_shapes, with_planes
from farfill.inpainting.window import Part, Size, Span, Window, needed, put, run_part, work
from farfill.op.spatial import resize_nearest

# Measured with the paper's widths on a processor at 512, 1024 and 2048 px, holes of half the side
# (benchmarks/README.md): good for a factor of two.
_BYTES_PER_PIXEL = 12.5  # and channel of the first layer
_BANDS = 15  # rows of similarities that are held at once
_BYTES = 80e6  # whatever the size
_PASSES = 8  # the attention's time, in that of its matrix products alone


def predict_windows(
    generator: Generator,
    masked_image: Tensor,
    hole: Tensor,
    windows: Sequence[Window],
    offsets: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Compute the refined picture in windows that cover the hole, of each layer what they need.

    Arguments and errors as of :meth:`Generator.forward`, for one picture. Contextual attention
    computes only the rows it has to, but all with ``offsets``.

    Returns:
        The refined picture ``(1, 3, H, W)``, inside the windows what :meth:`Generator.forward`
        gives, up to rounding, elsewhere 0; and, if asked for, offsets as of
        :class:`~farfill.types.Completion`, or ``None``.
    """
    check_shapes(masked_image, hole)
    hole = hole.to(masked_image.dtype)
    inputs = Part.whole(with_planes(masked_image, hole))
    coarse, refined = torch.zeros_like(masked_image), torch.zeros_like(masked_image)
    for window in windows:
        put(coarse, run_part(generator.coarse, inputs, window))
    pasted = Part.whole(with_planes(coarse * hole + masked_image * (1 - hole), hole))
    stage, small = generator.refinement, _small(pasted.size)
    rebuild, places = _attention(stage, pasted, hole, offsets)
    for window in windows:
        inner = needed(stage.decoder, window, small)
        branches = [run_part(stage.dilated_branch, pasted, inner).values]
        if rebuild is not None:
            part = rebuild(needed(stage.attention_decoder, inner, small).rows)
            branches.append(run_part(stage.attention_decoder, part, inner).values)
        features = Part(torch.cat(branches, dim=1), inner, small)
        put(refined, run_part(stage.decoder, features, window))
    return refined, places


def _attention(
    stage: RefinementStage, inputs: Part, hole: Tensor, offsets: bool
) -> tuple[Callable[[Span], Part] | None, Tensor | None]:
    """What rebuilds at least some rows of the features, and offsets if it already knows them."""
    attention, size = stage.attention, _small(inputs.size)
    if attention is None:
        return None, None
    features, missing = stage.attention_encoder(inputs.values), resize_nearest(hole, *size)
    if offsets or not isinstance(attention, ContextualAttention):
        result = attention(features, features, missing)
        return lambda _: Part.whole(result.features), result.offsets

    def rebuild(rows: Span) -> Part:  # it is no cheaper for some columns only
        values = attention.fill_rows(features, features, missing, *rows)
        return Part(values, Window(rows, Span(0, size[1])), size)

    return rebuild, None


def multiplications(generator: Generator, window: Window, size: Size) -> float:
    """What :func:`predict_windows` does for a window, without the attention."""
    stage, small = generator.refinement, _small(size)
    inner = needed(stage.decoder, window, small)
    total = work(generator.coarse, window, size)
    total += work(stage.decoder, window, small) + work(stage.dilated_branch, inner, size)
    if stage.attention is not None:
        total += work(stage.attention_decoder, inner, small)
    return total


class Cost(NamedTuple):
    """What filling one picture takes, besides the process itself."""

    seconds: float
    bytes: float


def predict_cost(
    generator: Generator, windows: Sequence[Window], size: Size, device: torch.device
) -> Cost:
    """Guess what :func:`predict_windows` takes from its work and a short probe of the machine."""
    stage, small = generator.refinement, _small(size)
    products = sum(multiplications(generator, window, size) for window in windows)
    channels = len(next(generator.parameters()))
    held = _BYTES + _BYTES_PER_PIXEL * channels * size[0] * size[1]
    if stage.attention is not None:
        products += work(stage.attention_encoder, Window.whole(small), size)
    if isinstance(stage.attention, ContextualAttention):
        rate = stage.attention.rate
        places = small[0] * small[1] // (rate * stage.attention.stride) ** 2
        columns, rows = small[1] // rate, 0
        for window in windows:
            inner = needed(stage.decoder, window, small)
            first, last = needed(stage.attention_decoder, inner, small).rows
            rows += last - first
        per_place = 4 * channels * (1 + 4 * rate**2 / 4)
        products += _PASSES * (rows // rate) * columns * places * per_place
        held += _BANDS * columns * places * 4
    return Cost(products / multiplications_per_second(device), held)


@lru_cache
def multiplications_per_second(device: torch.device) -> float:
    """Measure a convolution like most of the network's, in about 50 ms on a processor."""
    features = torch.ones(1, 128, 64, 64, device=device).to(memory_format=torch.channels_last)
    weight = torch.ones(128, 128, 3, 3, device=device).to(memory_format=torch.channels_last)
    seconds = []
    for _ in range(5):
        start = time.perf_counter()
        F.conv2d(features, weight, padding=1).sum().item()  # waits for a GPU
        seconds.append(time.perf_counter() - start)
    return weight.numel() * 64 * 64 / min(seconds)


def _small(size: Size) -> Size:
    """Size of the features of a picture."""
    return size[0] // 4, size[1] // 4
