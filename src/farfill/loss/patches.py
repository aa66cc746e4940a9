"""Patches of the hole are distributed as the true ones: texture, with no network and no critic."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, max_pool2d

from farfill.op.pyramid import laplacian_pyramid
from farfill.op.runtime import full_precision
from farfill.types import Batch, Completion

SIDE = 7  # of a patch, in pixels of its level
MOST = 4096  # patches of a picture and level that are compared


class Patches:
    """Sliced Wasserstein distance of each picture's completed patches from its own true ones.

    After Heitz et al. 2021 (arXiv 2006.07229), who compare features of a network, and Elnekave and
    Weiss 2022 (arXiv 2203.11862), who compare patches of pixels as here. Not in the paper. The
    patches are those of 7 x 7 pixels that touch the hole, in every level of a Laplacian pyramid.
    They are projected on random directions, other ones each time, and the distance is the mean
    difference of the sorted projections. It asks which patches occur, not where: a smooth fill,
    which L1 likes best, has none of the fine ones. ``metric=patches`` measures with other patches,
    directions and scales, over all pictures together.

    Args:
        weight: Of the term.
        levels: Finest levels of the pyramid that count; coarser ones are left to other losses.
        directions: Random projections of each level.

    Raises:
        ValueError: If a number is below 1.
    """

    def __init__(self, weight: float, levels: int, directions: int) -> None:
        if min(levels, directions) < 1:
            raise ValueError(
                f"expected `levels` and `directions` from 1, got {levels} and {directions}"
            )
        self.weight = weight
        self.levels = levels
        self.directions = directions

    def __call__(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        """Return ``patches``, a weighted scalar; pictures without a hole count 0."""
        with full_precision(batch.image):
            completed = completion.completed(batch.image, batch.hole).float()
            hole, distances = batch.hole.float(), []
            pyramids = (laplacian_pyramid(x) for x in (completed, batch.image.float()))
            levels = list(zip(*pyramids, strict=True))[: self.levels]
            for ours, true in levels:
                distances.append(self._distance(ours, true, hole))
                hole = max_pool2d(hole, 2, ceil_mode=True)
            return {"patches": self.weight * torch.stack(distances).mean()}

    def _distance(self, ours: Tensor, true: Tensor, hole: Tensor) -> Tensor:
        """Mean over pictures and directions of the distance at one level, ``(N, 3, h, w)``."""
        direction = torch.randn(self.directions, 3, SIDE, SIDE, device=ours.device)
        direction /= direction.flatten(1).norm(dim=1)[:, None, None, None]
        phase = float(torch.rand(()))  # other ones of too many patches each time
        projections = zip(conv2d(ours, direction), conv2d(true, direction), strict=True)
        touches = max_pool2d(hole, SIDE, stride=1)
        distance = ours.new_zeros(())
        for pair, allowed in zip(projections, touches, strict=True):
            places = allowed.flatten().nonzero()[:, 0]
            step = -(-len(places) // MOST) or 1
            places = places[int(phase * step) :: step]
            if len(places):
                mine, truth = (x.flatten(1)[:, places].sort(dim=1).values for x in pair)
                distance = distance + (mine - truth).abs().mean() / len(ours)
        return distance
