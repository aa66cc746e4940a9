"""How long a picture will take, and how much memory."""

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import torch
import torch.nn.functional as F

from farfill.attention.contextual import ContextualAttention
from farfill.generator.two_stage import Generator
from farfill.inpainting.partial import attention_rows, multiplications
from farfill.inpainting.window import Size, Window, work

# Measured with the paper's widths on a processor at 512, 1024 and 2048 px, holes of half the side
# (benchmarks/README.md): good for a factor of two.
_BYTES_PER_PIXEL = 12.5  # and channel of the first layer
_BANDS = 15  # rows of similarities that are held at once
_BYTES = 80e6  # whatever the size
_PASSES = 8  # the attention's time, in that of its matrix products alone


class Cost(NamedTuple):
    """What filling one picture takes, besides the process itself."""

    seconds: float
    bytes: float


def predict_cost(
    generator: Generator, windows: Sequence[Window], size: Size, device: torch.device
) -> Cost:
    """Guess before it starts, from the work that is to do and a short probe of the machine.

    Args:
        generator: Which is to fill.
        windows: What it predicts, see :func:`farfill.inpainting.partial.predict_windows`.
        size: Height and width of the picture.
        device: Where.
    """
    stage, pixels = generator.refinement, size[0] * size[1]
    products = sum(multiplications(generator, window, size) for window in windows)
    channels = len(next(generator.parameters()))
    held = _BYTES + _BYTES_PER_PIXEL * channels * pixels
    if stage.attention is not None:
        small = (size[0] // 4, size[1] // 4)
        products += work(stage.attention_encoder, Window.whole(small), size)
        if isinstance(stage.attention, ContextualAttention):
            rate = stage.attention.rate
            places = small[0] * small[1] // (rate * stage.attention.stride) ** 2
            columns = small[1] // rate
            rows = sum(attention_rows(generator, window, size) for window in windows) // rate
            per_place = 4 * channels * (1 + 4 * rate**2 / 4)
            products += _PASSES * rows * columns * places * per_place
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
