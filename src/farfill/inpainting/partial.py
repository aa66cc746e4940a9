"""Predict only the part of a picture that its completion shows, and guess what that will take."""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.attention.contextual import ContextualAttention
from farfill.generator.two_stage import Generator, RefinementStage, check_shapes, with_planes
from farfill.inpainting.window import Part, Size, Span, Window, needed, put, run_part, work
from farfill.op.spatial import resize_nearest

# Measured with the paper's widths on a processor, from crops of 128 px to pictures of 2048 px with
# small and large holes (benchmarks/results/estimate.md): seconds are good for a factor of 1.5.
_BYTES_PER_PIXEL = 12.5  # and channel of the first layer
_BANDS = 15  # rows of similarities that are held at once
_BYTES = 80e6  # whatever the size
_PLACE_WORK = 2400  # time per similarity besides matrix products, in multiplications, and more ...
_BYTE_WORK = 32e-6  # ... for each byte in a row of them: long ones leave the cache
_MORE_ROWS = 4.5  # that it computes, and what it takes to begin, in such rows
_PRODUCTS = 1.2  # the time of matrix products, in that of their multiplications
_CONVOLUTIONS = 1.7  # the time of layers, in that of their multiplications
_SECONDS = 0.02  # whatever the size


def predict_windows(
    generator: Generator, masked_image: Tensor, hole: Tensor, windows: Sequence[Window]
) -> tuple[Tensor, Tensor | None]:
    """Compute the refined picture in windows that cover the hole, of each layer what they need.

    Arguments and errors as of :meth:`Generator.forward`, for one picture.

    Returns:
        The refined picture ``(1, 3, H, W)``, inside the windows what :meth:`Generator.forward`
        gives, up to rounding, elsewhere 0; and offsets as of :class:`~farfill.types.Completion`,
        of contextual attention those in the hole's rows only, elsewhere 0.
    """
    check_shapes(masked_image, hole)
    hole = hole.to(masked_image.dtype)
    inputs = Part.whole(with_planes(masked_image, hole))
    coarse, refined = torch.zeros_like(masked_image), torch.zeros_like(masked_image)
    for window in windows:
        put(coarse, run_part(generator.coarse, inputs, window))
    pasted = Part.whole(with_planes(coarse * hole + masked_image * (1 - hole), hole))
    stage, small = generator.refinement, _small(pasted.size)
    borrowed, offsets = _attention(stage, pasted, hole, windows)
    for window in windows:
        inner = needed(stage.decoder, window, small)
        branches = [run_part(stage.dilated_branch, pasted, inner).values]
        if borrowed is not None:
            branches.append(run_part(stage.attention_decoder, borrowed, inner).values)
        features = Part(torch.cat(branches, dim=1), inner, small)
        put(refined, run_part(stage.decoder, features, window))
    return refined, offsets


def _attention(
    stage: RefinementStage, inputs: Part, hole: Tensor, windows: Sequence[Window]
) -> tuple[Part | None, Tensor | None]:
    """Rebuilt features, at least where the windows need them, and offsets."""
    attention, size = stage.attention, _small(inputs.size)
    if attention is None:
        return None, None
    features, missing = stage.attention_encoder(inputs.values), resize_nearest(hole, *size)
    if not isinstance(attention, ContextualAttention):
        result = attention(features, features, missing)
        return Part.whole(result.features), result.offsets
    rebuilt, offsets = torch.zeros_like(features), None
    for start, stop in _rows(stage, windows, size):  # it is no cheaper for some columns only
        rows, places = attention.fill_rows(features, features, missing, start, stop)
        rebuilt[..., start:stop, :] = rows
        assert places is not None
        offsets = places if offsets is None else torch.where(places == 0, offsets, places)
    return Part.whole(rebuilt), offsets


def _rows(stage: RefinementStage, windows: Sequence[Window], size: Size) -> list[Span]:
    """Rows of the attention that the windows need, those that meet together."""
    inner = (needed(stage.decoder, window, size) for window in windows)
    spans: list[Span] = []
    for rows in sorted(needed(stage.attention_decoder, part, size).rows for part in inner):
        if spans and rows.start <= spans[-1].stop:
            spans[-1] = Span(spans[-1].start, max(spans[-1].stop, rows.stop))
        else:
            spans.append(rows)
    return spans


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
    if stage.attention is not None:
        products += work(stage.attention_encoder, Window.whole(small), size)
    products *= _CONVOLUTIONS
    channels = len(next(generator.parameters()))
    held = _BYTES + _BYTES_PER_PIXEL * channels * size[0] * size[1]
    if isinstance(stage.attention, ContextualAttention):
        rate = stage.attention.rate
        places = small[0] * small[1] // (rate * stage.attention.stride) ** 2
        row_bytes = small[1] // rate * places * 4
        spans = _rows(stage, windows, small)
        rows = sum((stop - start) // rate + _MORE_ROWS for start, stop in spans)
        per_place = _PRODUCTS * 4 * channels * (1 + rate**2) + _PLACE_WORK + _BYTE_WORK * row_bytes
        products += rows * row_bytes / 4 * per_place
        held += _BANDS * row_bytes
    return Cost(_SECONDS + products / multiplications_per_second(device), held)


@lru_cache
def multiplications_per_second(device: torch.device) -> float:
    """Measure a convolution like most of the network's, in about 50 ms on a processor.

    Not at its best, but as the machine is: others may be using it.
    """
    features = torch.ones(1, 128, 64, 64, device=device).to(memory_format=torch.channels_last)
    weight = torch.ones(128, 128, 3, 3, device=device).to(memory_format=torch.channels_last)
    for count in (1, 8):  # the first is slow
        start = time.perf_counter()
        for _ in range(count):
            F.conv2d(features, weight, padding=1).sum().item()  # waits for a GPU
    return count * weight.numel() * 64 * 64 / (time.perf_counter() - start)


def _small(size: Size) -> Size:
    """Size of the features of a picture."""
    return size[0] // 4, size[1] // 4
