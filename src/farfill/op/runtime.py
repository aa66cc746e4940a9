"""What a computation runs in: a number type, and one process or several that act as one.

The joint batch is shared out among the processes and their gradients are averaged. Without
:mod:`torch.distributed` there is one process, and nothing is exchanged.
"""

from collections.abc import Iterable

import torch
from torch import Tensor, distributed


def full_precision(like: Tensor) -> torch.autocast:
    """Switch mixed precision off on the device of ``like``; its inputs are for the caller to cast.

    Positions would be rounded to whole pixels in bfloat16, and critics stall or overflow.
    """
    return torch.autocast(like.device.type, enabled=False)


def product_type(like: Tensor) -> torch.dtype:
    """The type to multiply matrices in: that of ``like``, or of mixed precision if it is on."""
    device = like.device.type
    if torch.is_autocast_enabled(device) and like.dtype != torch.float64:
        return torch.get_autocast_dtype(device)
    return like.dtype


def rank_and_size() -> tuple[int, int]:
    """Number of this process, from 0 on, and how many there are."""
    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return 0, 1


def share_of(joint: Tensor) -> Tensor:
    """This process's part of something about every picture of the joint batch: ``(N, ...)``."""
    rank, size = rank_and_size()
    return joint.chunk(size)[rank]


def uniform_per_picture(like: Tensor) -> Tensor:
    """One number in ``[0, 1)`` for every picture of ``(N, ...)``: ``(N, 1, 1, 1)``.

    Every process draws for the joint batch and keeps its share. So the random states of all stay
    the same, and the numbers are those of one process.
    """
    joint = len(like) * rank_and_size()[1]
    return share_of(torch.rand(joint, 1, 1, 1, dtype=like.dtype, device=like.device))


def average_(tensors: Iterable[Tensor]) -> None:
    """Replace tensors by their means over all processes, in one exchange.

    Their parts of the joint batch are equal: means of gradients are one process's gradient of all.
    """
    size, parts = rank_and_size()[1], list(tensors)
    if size == 1 or not parts:
        return
    flat = torch.cat([part.flatten() for part in parts])
    distributed.all_reduce(flat)
    flat /= size
    for part, mean in zip(parts, flat.split([part.numel() for part in parts]), strict=True):
        part.copy_(mean.view_as(part))


def any_rank(here: bool, device: torch.device) -> bool:
    """Whether something holds in any process; all have to ask."""
    if rank_and_size()[1] == 1:
        return here
    flag = torch.tensor(float(here), device=device)
    distributed.all_reduce(flag, distributed.ReduceOp.MAX)
    return bool(flag)
