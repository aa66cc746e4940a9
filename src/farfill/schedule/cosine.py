"""Half a cosine."""

import math

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR


class Cosine(LambdaLR):
    """From the learning rate to zero over the whole run, and zero from then on.

    PyTorch's own keeps its length in the checkpoint, so a run that is prolonged would have the
    rate rise again; here the rate depends on the count and on this run's length only.

    Args:
        optimizer: Has the learning rate to start with.
        steps: Generator steps of the whole run.
    """

    def __init__(self, optimizer: Optimizer, steps: int) -> None:
        super().__init__(optimizer, lambda s: (1 + math.cos(math.pi * min(1.0, s / steps))) / 2)
