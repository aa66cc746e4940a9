"""Where an attention looks: measures of its chosen sources and of its weights.

All are taken over the hole's positions on the attention's own grid, ``h x w``. A position stands
for a pixel (:func:`pixel_index`); a chosen source is a position plus its offset. A position with
another source than itself has *moved*. Every function but :func:`map_similarity` measures one
picture, by its ``offsets`` ``(2, h, w)``, int64, and its ``hole`` ``(h, w)``, bool, True = missing,
and gives NaN where there is nothing to measure.
"""

from math import log

import torch
from torch import Tensor

from farfill.op.spatial import nearest_index

EDGES = (0.125, 0.25, 0.5, 0.75)  # of the distance histogram, in sides of the picture
SHARES = (*(f"distance_to_{edge}" for edge in EDGES), "distance_beyond")
COMPARED = ("similarity", "same_source", "variation")  # of two maps
#: Every measure of this module.
NAMES = (
    *("hit_rate", "hit_chance", "hit_reachable", "moved", "distance", *SHARES),
    *("hole_weight", "entropy", "relative_entropy", *COMPARED),
)
#: Those of them that lie between 0 and 1.
FRACTIONS = (
    *("hit_rate", "hit_chance", "hit_reachable", "moved", *SHARES),
    *("hole_weight", "relative_entropy", "same_source"),
)


def pixel_index(grid: int, features: int, pixels: int) -> Tensor:
    """Say for which pixel each position of the attention's grid stands, along one axis.

    A position copies a feature as :func:`farfill.op.spatial.nearest_index` says. A feature stands
    for a cell of ``pixels / features`` pixels (a whole number), because convolutions shift by whole
    strides, and the cell for its middle pixel (the right one of two). The result is int64,
    ``(grid,)``.
    """
    cell = pixels // features
    return nearest_index(features, grid) * cell + cell // 2


def hit_rates(
    offsets: Tensor, hole: Tensor, content: Tensor, pixels: tuple[Tensor, Tensor], tolerance: float
) -> dict[str, Tensor]:
    """How often the chosen source is a right one, and how often chance would be.

    A source is right if it is known, shows within ``tolerance`` what the position shows, and does
    not do so by merely lying within ``tolerance`` of it: on a fine grid, copying the hole's border
    inwards would otherwise hit.

    ``content``, ``(K, H, W)``, is what the picture shows, as coordinates in pixels; ``pixels`` are
    row ``(h,)`` and column ``(w,)`` of the pixels the positions stand for (:func:`pixel_index`).

    Returns:
        * ``hit_reachable``: share of the hole's positions for which a right source exists;
        * ``hit_rate``: share of those that have moved at which a right one was chosen: a map that
          does not move, as a warp's before training, neither hits nor misses, and has none;
        * ``hit_chance``: mean over the same positions of the share of known positions that are
          right, which is the expected ``hit_rate`` of a uniform random choice.
    """
    rows, columns = pixels
    missing = hole.flatten()
    shown = content.index_select(1, rows).index_select(2, columns)
    alike = _near(shown.flatten(1).T, missing, tolerance)
    neighbours = _near(torch.cartesian_prod(rows, columns).to(content), missing, tolerance)
    right = alike & ~neighbours & ~missing
    reachable = right.any(1)
    source = _chosen(offsets)[missing]
    hit = right.gather(1, source.clamp(min=0)[:, None])[:, 0] & (source >= 0)
    counted = reachable & _moved(offsets).flatten()[missing]
    return {
        "hit_rate": hit[counted].float().mean(),
        "hit_chance": (right.sum(1) / (~missing).sum())[counted].mean(),
        "hit_reachable": reachable.float().mean(),
    }


def distances(offsets: Tensor, hole: Tensor, features: tuple[int, int]) -> dict[str, Tensor]:
    """How far away the sources are, in sides of the picture, which has ``features`` features.

    Beside the mean, ``distance``, which is the map's from the identity, a histogram:
    ``distance_to_<edge>`` is the share of positions below that edge and not below the one before,
    ``distance_beyond`` the rest. ``moved`` is the share of those with another source than
    themselves.
    """
    apart = _length(offsets[:, hole], hole, features)
    bins = torch.bucketize(apart, torch.tensor(EDGES, device=apart.device), right=True)
    shares = {name: (bins == number).float().mean() for number, name in enumerate(SHARES)}
    return {"moved": _moved(offsets)[hole].float().mean(), "distance": apart.mean(), **shares}


def source_in_hole(offsets: Tensor, hole: Tensor) -> Tensor:
    """Share of the hole's positions whose source is not known: in the hole or off the picture."""
    missing = hole.flatten()
    source = _chosen(offsets)[missing]
    return (missing[source.clamp(min=0)] | (source < 0)).float().mean()


def weight_measures(weights: Tensor, hole: Tensor, stride: int) -> dict[str, Tensor]:
    """How the weights of the hole's positions spread.

    ``weights``, ``(h, w, h', w')``, are non-negative, at most 1 over ``h' w'``; what is short of 1
    was dropped, because its source may not be borrowed from. Sources are at every ``stride``-th row
    and column of the grid.

    Returns:
        * ``hole_weight``: share of weight that fell on patches which are not known, before the
          attention dropped it;
        * ``entropy``: of the weights left, divided by their sum, in nats, where any is left;
        * ``relative_entropy``: the same divided by the logarithm of the number of known sources,
          in ``[0, 1]`` (NaN with fewer than two).
    """
    known = ~hole[::stride, ::stride].flatten()
    usable = weights.flatten(2)[hole][:, known].double()
    total = usable.sum(1)
    spread = torch.special.entr(usable[total > 0] / total[total > 0, None]).sum(1).mean()
    count = int(known.sum())
    return {
        "hole_weight": (1 - total).clamp(min=0).mean(),
        "entropy": spread,
        "relative_entropy": spread / log(count) if count > 1 else spread * torch.nan,
    }


def map_similarity(offsets: Tensor, hole: Tensor, features: tuple[int, int]) -> dict[str, Tensor]:
    """How alike the maps of different pictures with the same hole are.

    The paper says that appearance flow returns nearly the same map for different pictures
    (section 5.3). ``offsets`` are ``(N, 2, h, w)``, of at least two pictures with the one ``hole``,
    whose attention has ``features`` features.

    Returns:
        Means over pairs of pictures and positions of the hole. The first two are of those that have
        moved in both pictures, and NaN without any: of where a source lies, a map that does not
        move says nothing.

        * ``similarity``: cosine of the angle between the two offsets, in ``[-1, 1]``. Unrelated
          maps are a little above 0, because sources must lie outside the hole;
        * ``same_source``: share of equal offsets;
        * ``variation``: distance between the two sources, in sides of the picture; 0 for a map
          that does not depend on the picture.
    """
    pairs = torch.combinations(torch.arange(len(offsets), device=offsets.device))
    first, second = offsets[:, :, hole][pairs].unbind(1)  # (pairs, 2, positions)
    both = (_moved(first, 1) & _moved(second, 1)).flatten()
    cosines = torch.nn.functional.cosine_similarity(first.double(), second.double()).flatten()
    same = (first == second).all(1).flatten()
    apart = _length((first - second).transpose(0, 1), hole, features)
    return {
        "similarity": cosines[both].mean(),
        "same_source": same[both].double().mean(),
        "variation": apart.mean(),
    }


def _moved(offsets: Tensor, axis: int = 0) -> Tensor:
    """Whether a position has another source than itself; ``axis`` has rows and columns."""
    return (offsets != 0).any(axis)


def _length(offsets: Tensor, hole: Tensor, features: tuple[int, int]) -> Tensor:
    """Length of ``offsets``, ``(2, ...)``, on the grid of ``hole``, in sides of the picture."""
    # Aligned corners: the grid's ends are the features' ends, and one feature short of a side.
    sides = zip(offsets, features, hole.shape, strict=True)
    return torch.hypot(*(o * ((n - 1) / max(grid - 1, 1) / n) for o, n, grid in sides))


def _chosen(offsets: Tensor) -> Tensor:
    """Flat index of every position's source, -1 where it lies off the grid: ``(h * w,)``."""
    h, w = offsets.shape[1:]
    rows = offsets[0] + torch.arange(h, device=offsets.device)[:, None]
    columns = offsets[1] + torch.arange(w, device=offsets.device)
    inside = (rows >= 0) & (rows < h) & (columns >= 0) & (columns < w)
    return torch.where(inside, rows * w + columns, -1).flatten()


def _near(points: Tensor, chosen: Tensor, reach: float) -> Tensor:
    """Which of all points ``(P, K)`` lie within ``reach`` of each chosen one: ``(Q, P)``."""
    # Matrix products would lose the small distances in the rounding of large coordinates.
    exact = "donot_use_mm_for_euclid_dist"
    return torch.cdist(points[chosen], points, compute_mode=exact) <= reach
