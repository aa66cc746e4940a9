"""Sliced Wasserstein distance of patches: texture by texture, with no network."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d, pad

from farfill.metric.distance import shares
from farfill.op.spatial import pick
from farfill.types import Batch

SIDE = 7  # of a patch, in pixels of its level
SMALLEST = 16  # side of the smallest level
AT_ONCE = 64  # directions whose projections are in memory together


class SlicedWasserstein:
    """Karras et al. 2018 (arXiv 1710.10196), section 5, on the patches that touch the hole.

    Every picture is cut into a Laplacian pyramid down to 16 pixels; every level gives
    ``patches`` random patches of 7 x 7 pixels, whose channels are normalised over the whole set,
    completed and true pictures each by their own mean and deviation. The distance is the mean over
    random directions of the Wasserstein-1 distance of the patches' projections, and then over the
    levels. The paper prints a thousand times as much.

    Other than in the paper, a patch touches the hole, as elsewhere both sets are the same, and the
    true patches are those at the completed patches' places. A picture without a hole gives patches
    from everywhere. The memory for the patches is 0.15 MB per picture and level.

    Args:
        patches: Per picture and level.
        directions: Random projections.
    """

    name = "swd"

    def __init__(self, patches: int = 128, directions: int = 512) -> None:
        if min(patches, directions) < 1:
            raise ValueError(
                f"expected `patches` and `directions` from 1, got {patches} and {directions}"
            )
        self.patches = patches
        self.directions = directions

    def describe(self, completed: Tensor, batch: Batch) -> Tensor:
        """Patches ``(N, levels, 2, 3, patches, 49)``, the completed before the true ones.

        Raises:
            ValueError: Pictures are smaller than a patch.
        """
        if min(batch.image.shape[-2:]) < SIDE:
            height, width = batch.image.shape[-2:]
            raise ValueError(
                f"swd: expected pictures of at least {SIDE} x {SIDE} pixels, got {height} x {width}"
            )
        hole = batch.hole.float()
        levels: list[Tensor] = []
        both = (laplacian_pyramid(x.float()) for x in (completed, batch.image))
        for ours, true in zip(*both, strict=True):
            touches = max_pool2d(hole, SIDE, stride=1)[:, 0]
            row, column = self._places(touches, batch.index, len(levels))
            levels.append(torch.stack([pick(x, row, column) for x in (ours, true)], dim=1))
            hole = max_pool2d(hole, 2, ceil_mode=True)
        return torch.stack(levels, dim=1)

    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        """Shares of the pictures, see :func:`farfill.metric.distance.shares`."""
        with torch.inference_mode(False):  # gradients need no inference tensors
            return self._values(described.clone())

    def _values(self, described: Tensor) -> Tensor:
        generator = torch.Generator().manual_seed(0)
        size = described.shape[-3] * described.shape[-1]
        directions = torch.randn(size, self.directions, generator=generator)
        directions /= directions.norm(dim=0)
        parts = [
            shares(partial(_sum, patches, some), len(described))
            for patches in described.unbind(1)
            for some in directions.split(AT_ONCE, dim=1)
        ]
        return torch.stack(parts).sum(0) / (self.directions * described.shape[1])

    def _places(self, allowed: Tensor, indices: Tensor, level: int) -> tuple[Tensor, Tensor]:
        """Rows and columns of every patch's pixels, ``(N, patches, 49)`` each, by the index."""
        n, _, width = allowed.shape
        chosen = torch.empty(n, self.patches, dtype=torch.int64)
        for number, index in enumerate(indices.tolist()):
            generator = torch.Generator().manual_seed(index * 64 + level)
            places = allowed[number].flatten().cpu().nonzero()[:, 0]
            if not len(places):
                places = torch.arange(allowed[number].numel())
            drawn = torch.randint(len(places), (self.patches,), generator=generator)
            chosen[number] = places[drawn]
        chosen = chosen.to(allowed.device)[..., None]
        inside = torch.arange(SIDE**2, device=allowed.device)
        return chosen // width + inside // SIDE, chosen % width + inside % SIDE


def laplacian_pyramid(image: Tensor) -> list[Tensor]:
    """Burt and Adelson 1983: what each halving loses of ``(N, C, H, W)``, and what remains."""
    levels = [image]
    while min(levels[-1].shape[-2:]) >= 2 * SMALLEST:
        finer = levels[-1]
        coarser = _smooth(finer)[..., ::2, ::2]
        spread = torch.zeros_like(finer)
        spread[..., ::2, ::2] = coarser
        levels[-1] = finer - 4 * _smooth(spread)
        levels.append(coarser)
    return levels


def wasserstein(points: Tensor, weights: Tensor) -> Tensor:
    """Wasserstein-1 distance of two weighted sets of numbers, ``(P, m)`` to ``(P,)``.

    ``weights`` are ``(m,)``: positive in the one set, negative in the other, in sum 1 and -1.
    """
    ordered, order = points.sort()
    return (weights[order].cumsum(1)[:, :-1].abs() * ordered.diff()).sum(1)


def _smooth(image: Tensor) -> Tensor:
    line = image.new_tensor([1, 4, 6, 4, 1]) / 16
    kernel = torch.outer(line, line).expand(image.shape[1], 1, 5, 5)
    return conv2d(pad(image, (2, 2, 2, 2), mode="reflect"), kernel, groups=image.shape[1])


def _sum(patches: Tensor, directions: Tensor, weights: Tensor) -> Tensor:
    """Distances in all directions, summed, of ``(n, 2, 3, patches, 49)``."""
    mean = torch.einsum("n,nsc->sc", weights, patches.mean((3, 4)))[..., None, None]
    square = torch.einsum("n,nsc->sc", weights, (patches - mean).square().mean((3, 4)))
    # Where all patches are flat, rounding is no texture.
    normal = (patches - mean) / square.clamp(min=1e-8).sqrt()[..., None, None]
    points = normal.transpose(2, 3).flatten(3).flatten(0, 2) @ directions
    each = patches.shape[3]
    signed = torch.stack([weights, -weights], dim=1).repeat_interleave(each) / each
    return wasserstein(points.T.contiguous(), signed).sum()
