"""Half a cosine."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

from farfill.schedule.constant import warmed_up


class Cosine(LambdaLR):
    """From the learning rate to zero over the whole run, and zero from then on.

    PyTorch's own keeps its length in the checkpoint, so a run that is prolonged would have the
    rate rise again; here the rate depends on the count and on this run's length only.

    Args:
        optimizer: Has the learning rate to start with.
        steps: Generator steps of the whole run.
        warmup: Generator steps in which the rate grows from near zero to its full size; the cosine
            goes on meanwhile.

    Raises:
        ValueError: If ``steps`` is no number of steps, or ``warmup`` negative.
    """

    def __init__(self, optimizer: Optimizer, steps: int, warmup: int = 0) -> None:
        if steps < 1:
            raise ValueError(
                f"expected `schedule.steps` from 1, got {steps}: a run that ends by epochs or time "
                "has no number of steps, so give one, or schedule=constant"
            )

        def factor(step: int) -> float:
            return warmed_up(step, warmup) * (1 + math.cos(math.pi * min(1.0, step / steps))) / 2

        super().__init__(optimizer, factor)
