"""Distances that see what L1 does not: of single pictures, or of the set of them all.

A distance of sets is one number, but tables and sweeps need its interval and its paired difference
from another inpainter's. It is therefore handed out picture by picture, as numbers whose mean is
the distance, see :func:`shares`.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

import torch
from torch import Tensor

from farfill.backbone.frozen import Frozen
from farfill.types import Batch

#: First words of the names of distances of sets.
OF_SETS = ("swd", "fid", "uids")


class Distance(Protocol):
    """How far completed pictures are from the true ones.

    Attributes:
        name: Of its column, with the network's name if it has one.
    """

    name: str

    def describe(self, completed: Tensor, batch: Batch) -> Tensor:
        """What has to be known of each picture, ``(N, ...)``.

        ``completed`` is ``(N, 3, H, W)`` in ``[-1, 1]``; the truth is ``batch.image``.
        """
        ...

    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        """A number for each of all pictures, ``(n,)``, whose mean is the distance.

        Pictures of one of ``clusters``, a name for each, show the same, as holes of a photograph
        do; without them each is one of its own.
        """
        ...


def is_of_sets(metric: str) -> bool:
    """Whether the metric of this name is one of the whole set, and its values are shares of it."""
    return metric.split("_")[0] in OF_SETS


def shares(distance: Callable[[Tensor], Tensor], n: int) -> Tensor:
    r"""What each of ``n`` pictures adds to a distance of sets: ``(n,)``, its mean is the distance.

    .. math:: v_i = \theta(w) + \frac{\partial\theta}{\partial w_i}
        - \frac1n \sum_j \frac{\partial\theta}{\partial w_j}, \qquad w_i = \frac1n

    the influence of picture :math:`i` (infinitesimal jackknife, Efron 1982). A bootstrap of their
    mean is the distance's own to first order. Drawing pictures themselves, some of them twice,
    would move the distance up as fewer pictures do, and miss the value it is to enclose.

    ``distance`` has to be differentiable in the pictures' weights ``(n,)``, which sum to 1.
    """
    with torch.inference_mode(False), torch.enable_grad():
        weights = torch.full((n,), 1 / n, requires_grad=True)
        value = distance(weights)
        (slope,) = torch.autograd.grad(value, weights)
    return value.detach() + slope - slope.mean()


class FeatureDistance(ABC):
    """A distance of sets, in the features of a network.

    Attributes:
        kind: Of the distance; its name has the network's after it.

    Args:
        backbone: The deepest of its chosen layers counts, as the mean over the picture.
    """

    kind: ClassVar[str]

    def __init__(self, backbone: Frozen) -> None:
        self.backbone = backbone
        self.name = f"{self.kind}_{backbone.name}"

    def describe(self, completed: Tensor, batch: Batch) -> Tensor:
        """Features ``(N, 2, D)``, of the completed pictures before those of the true ones."""
        both = (completed, batch.image)
        return torch.stack([self.backbone(x)[-1].mean((2, 3)) for x in both], dim=1)

    @abstractmethod
    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        """A number for each of all pictures, see :class:`Distance`."""
