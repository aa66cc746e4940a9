"""A generator written so that it can be exported: nothing branches or loops on a picture's size."""

from collections.abc import Callable
from copy import deepcopy
from math import lcm

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farfill.attention.contextual import ContextualAttention
from farfill.attention.paste import Paste, assemble
from farfill.attention.plain import PlainContextualAttention
from farfill.attention.protocol import PatchAttention
from farfill.attention.shift import Shift
from farfill.attention.similarity import known_patches
from farfill.attention.stn import SpatialTransformer
from farfill.layer.convolution import DoublingConv2d, same_padding
from farfill.op.spatial import pick, reduce_nearest
from farfill.types import AttentionResult


class Network(nn.Module):
    """What an exported file computes: both stages, the attention, and the paste.

    Args:
        generator: As of :func:`farfill.load_generator`; it is copied.

    Attributes:
        multiple: What the sides of a picture have to be multiples of.

    Raises:
        ValueError: Its attention cannot be exported.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        attention = getattr(generator, "attention", None)
        if isinstance(attention, SpatialTransformer):
            raise ValueError(
                "attention=stn cannot be exported for pictures of any size, because it pools them "
                "all to one: train with another attention"
            )
        self.multiple = lcm(8, 4 * attention.rate) if isinstance(attention, PatchAttention) else 8
        self.generator = _in_other_forms(deepcopy(generator)).eval()

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill what is missing, ``(N, 3, H, W)``; known pixels stay bit for bit.

        Args:
            image: ``(N, 3, H, W)`` in ``[-1, 1]``. What it holds in the hole does not matter.
            mask: ``(N, 1, H, W)``, above 0 = missing.
        """
        missing = mask > 0
        completion = self.generator(torch.where(missing, 0.0, image), missing.to(image.dtype))
        return torch.where(missing, completion.refined, image)


class PlainDoubling(nn.Module):
    """:class:`DoublingConv2d` as it is said: operators that every runtime is good at."""

    def __init__(self, layer: DoublingConv2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, input: Tensor) -> Tensor:
        """Double and convolve."""
        doubled = F.interpolate(input, scale_factor=2.0, mode="nearest")
        return F.conv2d(doubled, self.weight, self.bias, padding=1)


class WholeContextualAttention(nn.Module):
    """:class:`ContextualAttention` with all rows at once, and without offsets.

    Memory grows with the square of the picture's area.
    """

    def __init__(self, layer: PatchAttention) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, foreground: Tensor, background: Tensor, hole: Tensor) -> AttentionResult:
        """Arguments as of the layer; its features, up to rounding."""
        rate, stride, size = self.layer.rate, self.layer.stride, self.layer.patch_size
        f, b, hole = (reduce_nearest(x, rate) for x in (foreground, background, hole))
        scores, places = _similarity(f, b, size, stride)
        scores, positions = scores * self.layer.softmax_scale, f.shape[-2:]
        if self.layer.propagation is not None:
            for _ in range(2):  # along rows, then, turned, along columns
                scores = _propagate(scores, self.layer.propagation)
                scores = scores.unflatten(2, places).unflatten(1, positions)
                scores = scores.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)
                positions, places = positions[::-1], places[::-1]
        known = known_patches(hole, size, stride).flatten(1)[:, None].to(scores.dtype)
        scores = scores * known
        scores = torch.maximum(scores, scores.amax(-1, keepdim=True) - 80)  # no denormal weights
        weights = (scores.softmax(-1) * known).unflatten(2, places).unflatten(1, positions)
        cells = Paste(background, rate, stride).rows(weights, above=1, below=1)
        height, width = foreground.shape[-2:]
        top, left = (same_padding(side, 2 * rate, rate)[0] for side in (height, width))
        return AttentionResult(assemble(cells, rate, (top, left), (height, width)), None)


class WholeShift(nn.Module):
    """:class:`Shift` with all rows at once, and without offsets."""

    def __init__(self, layer: Shift) -> None:
        super().__init__()
        self.size = layer.patch_size

    def forward(self, foreground: Tensor, background: Tensor, hole: Tensor) -> AttentionResult:
        """Arguments as of the layer; its features, where no two patches fit equally well."""
        scores, (_, columns) = _similarity(foreground, background, self.size)
        known = known_patches(hole, self.size, 1).flatten(1)[:, None]
        winner = scores.masked_fill(~known, -torch.inf).argmax(-1)
        winner = winner.unflatten(1, foreground.shape[-2:])
        row = winner // columns
        copied = pick(background, row, winner - row * columns) * known.any(-1)[..., None, None]
        return AttentionResult(torch.where(hole != 0, copied, foreground), None)


def _similarity(
    foreground: Tensor, background: Tensor, size: int, stride: int = 1
) -> tuple[Tensor, torch.Size]:
    """Products with background patches of unit length, ``(N, h w, h' w')``, and ``(h', w')``."""
    patches, sources = _patches(foreground, size, 1).flatten(2), _patches(background, size, stride)
    places, sources = sources.shape[2:], sources.flatten(2)
    length = torch.linalg.vector_norm(sources, dim=1, keepdim=True).clamp_min(1e-4)
    return torch.bmm(patches.mT, sources / length), places


def _patches(features: Tensor, size: int, step: int) -> Tensor:
    """Patches around every ``step``-th position: ``(N, size * size * C, h', w')``."""
    (height, width), before = features.shape[-2:], (size - 1) // 2
    padded = F.pad(features, (before, size // 2, before, size // 2))
    parts = [
        padded[:, :, i : i + height : step, j : j + width : step]
        for i in range(size)
        for j in range(size)
    ]
    return torch.cat(parts, dim=1)


def _propagate(scores: Tensor, length: int) -> Tensor:
    """Sum ``(N, positions, places)`` over steps that both take together."""
    positions, places = scores.shape[1:]
    padded = F.pad(scores, (length // 2,) * 4)
    total = padded[:, :positions, :places]
    for j in range(1, length):
        total = total + padded[:, j : j + positions, j : j + places]
    return total


_FORMS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    DoublingConv2d: PlainDoubling,
    ContextualAttention: WholeContextualAttention,
    PlainContextualAttention: WholeContextualAttention,
    Shift: WholeShift,
}


def _in_other_forms(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        form = _FORMS.get(type(child))
        setattr(module, name, form(child) if form else _in_other_forms(child))
    return module
