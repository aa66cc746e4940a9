"""Several processes that act as one: the joint batch is shared out, its gradients are averaged.

Without :mod:`torch.distributed` there is one process, and all of this does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, distributed


def world() -> tuple[int, int]:
    """Number of this process and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def share_of(joint: Tensor) -> Tensor:
    """This process's part of something about every picture of the joint batch: ``(N, ...)``."""
    rank, size = world()
    return joint.chunk(size)[rank]


def average_(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by their means over all processes, in one exchange.

    Each process has the same part of the joint batch and takes means over it, so the means of the
    processes' gradients are the gradient of one process that has the joint batch.
    """
    _, size = world()
    parts = list(tensors)
    if size == 1 or not parts:
        return
    flat = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(flat)
    flat /= size
    for part, mean in zip(parts, flat.split([part.numel() for part in parts]), strict=True):
        part.copy_(mean.view_as(part))


def anywhere(here: bool, device: torch.device) -> bool:
    """Whether something holds in any process; all have to ask."""
    if world()[1] == 1:
        return here
    flag = torch.tensor(float(here), device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag)
