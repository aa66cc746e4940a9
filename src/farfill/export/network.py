"""A generator written so that it can be exported: no loop, no branch depends on a size."""

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
from farfill.layer.convolution import DoublingConv2d, SameConv2d, same_padding
from farfill.op.spatial import pick, pixel_positions, reduce_nearest
from farfill.types import AttentionResult


class Network(nn.Module):
    """Completes pictures, all in one: what an exported file computes.

    Args:
        generator: As of :func:`farfill.load_generator`; it is copied.

    Raises:
        ValueError: Its attention cannot be exported.
    """

    def __init__(self, generator: nn.Module) -> None:
        super().__init__()
        self.generator = _with_forms(deepcopy(generator))

    def forward(self, image: Tensor, mask: Tensor) -> Tensor:
        """Fill what is missing; known pixels stay bit for bit.

        Args:
            image: ``(N, 3, H, W)`` in ``[-1, 1]``. What it holds in the hole does not matter.
            mask: ``(N, 1, H, W)``, above 0 = missing.
        """
        missing = mask > 0
        completion = self.generator(torch.where(missing, 0.0, image), missing.to(image.dtype))
        return torch.where(missing, completion.refined, image)


def multiple_of(generator: nn.Module) -> int:
    """What the sides of a picture have to be multiples of."""
    attention = getattr(generator, "attention", None)
    if isinstance(attention, PatchAttention):
        return lcm(8, 4 * attention.rate)
    return 16 if isinstance(attention, SpatialTransformer) else 8


class _Doubling(nn.Module):
    """What :class:`DoublingConv2d` saves, other runtimes spend on moving pixels."""

    def __init__(self, layer: DoublingConv2d) -> None:
        super().__init__()
        self.weight, self.bias = layer.weight, layer.bias

    def forward(self, input: Tensor) -> Tensor:
        doubled = F.interpolate(input, scale_factor=2.0, mode="nearest")
        return F.conv2d(doubled, self.weight, self.bias, padding=1)


class WholeContextualAttention(nn.Module):
    """:class:`ContextualAttention` without bands: equal up to rounding."""

    def __init__(self, layer: PatchAttention) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, foreground: Tensor, background: Tensor, hole: Tensor) -> AttentionResult:
        """Do as that, but leave the offsets out."""
        rate, stride, size = self.layer.rate, self.layer.stride, self.layer.patch_size
        f, b, hole = (reduce_nearest(x, rate) for x in (foreground, background, hole))
        scores, places = similarity(f, b, size, stride, self.layer.softmax_scale)
        here = f.shape[-2:]
        if self.layer.propagation is not None:
            for _ in range(2):  # along rows, then, turned, along columns
                scores = _propagate(scores, self.layer.propagation)
                scores = scores.unflatten(2, places).unflatten(1, here).permute(0, 2, 1, 4, 3)
                scores = scores.flatten(3).flatten(1, 2)
                here, places = here[::-1], places[::-1]
        known = known_patches(hole, size, stride).flatten(1)[:, None].to(scores.dtype)
        scores = scores * known
        scores = torch.maximum(scores, scores.amax(-1, keepdim=True) - 80)  # no denormal weights
        weights = (scores.softmax(-1) * known).unflatten(2, places).unflatten(1, here)
        cells = Paste(background, rate, stride).rows(weights, above=1, below=1)
        shape = foreground.shape[-2:]
        top, left = (same_padding(side, 2 * rate, rate)[0] for side in shape)
        return AttentionResult(assemble(cells, rate, (top, left), shape), None)


class WholeShift(nn.Module):
    """:class:`Shift` without bands."""

    def __init__(self, layer: Shift) -> None:
        super().__init__()
        self.size = layer.patch_size

    def forward(self, foreground: Tensor, background: Tensor, hole: Tensor) -> AttentionResult:
        """Do as that, but leave the offsets out."""
        scores, (_, columns) = similarity(foreground, background, self.size)
        known = known_patches(hole, self.size, 1).flatten(1)[:, None]
        winner = scores.masked_fill(~known, -torch.inf).argmax(-1)
        winner = winner.unflatten(1, foreground.shape[-2:])
        row = winner // columns
        copied = pick(background, row, winner - row * columns)
        copied = copied * known.any(-1)[..., None, None]
        return AttentionResult(torch.where(hole != 0, copied, foreground), None)


def similarity(f, b, size, stride=1, scale=1.0):
    f_patches, b_patches = _patches(f, size), _patches(b, size, stride)
    places = b_patches.shape[2:]
    b_patches = b_patches.flatten(2)
    length = torch.linalg.vector_norm(b_patches, dim=1, keepdim=True).clamp_min(1e-4)
    return torch.bmm(f_patches.flatten(2).mT, b_patches * (scale / length)), places


def _patches(x: Tensor, size: int, step: int = 1) -> Tensor:
    before, after = (size - 1) // 2, size // 2
    height, width = x.shape[-2:]
    x = F.pad(x, (before, after, before, after))
    return torch.cat(
        [
            x[:, :, i : i + height : step, j : j + width : step]
            for i in range(size)
            for j in range(size)
        ],
        dim=1,
    )


def _propagate(scores: Tensor, length: int) -> Tensor:
    positions, places = scores.shape[1:]
    padded = F.pad(scores, (length // 2,) * 4)
    total = padded[:, :positions, :places]
    for j in range(1, length):
        total = total + padded[:, j : j + positions, j : j + places]
    return total


_FORMS: dict[type[nn.Module], Callable[..., nn.Module]] = {
    DoublingConv2d: _Doubling,
    ContextualAttention: WholeContextualAttention,
    PlainContextualAttention: WholeContextualAttention,
    Shift: WholeShift,
}


def _with_forms(module: nn.Module) -> nn.Module:
    for name, child in module.named_children():
        form = _FORMS.get(type(child))
        setattr(module, name, form(child) if form else _with_forms(child))
    return module
