"""A learning rate that stays."""

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Constant(LambdaLR):
    """The learning rate as it is, as the paper has it.

    Args:
        optimizer: Has the learning rate.
        warmup: Generator steps in which the rate grows, linearly, from near zero to its full size.
            Large first steps can push the outputs to where they are clipped and learn no more.

    Raises:
        ValueError: If ``warmup`` is negative.
    """

    def __init__(self, optimizer: Optimizer, warmup: int = 0) -> None:
        super().__init__(optimizer, lambda step: warmed_up(step, warmup))


def warmed_up(step: int, warmup: int) -> float:
    """Share of the learning rate that ``step``, counted from 0, has: linear in it, then 1.

    Raises:
        ValueError: If ``warmup`` is negative.
    """
    if warmup < 0:
        raise ValueError(f"expected `schedule.warmup` from 0, got {warmup}")
    return min(1.0, (step + 1) / (warmup + 1))
