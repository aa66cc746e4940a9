"""Appearance flow: a convolution says for each position where to look (section 5.3)."""

from torch import Tensor

from farfill.attention.warp import Start, Warp, Where, half_side, initialise
from farfill.layer.convolution import SameConv2d


class AppearanceFlow(Warp):
    """A convolution predicts a 2-D displacement per position; features are sampled there.

    After Zhou et al. 2016 (arXiv 1605.03557), in the place of contextual attention. An output of 1
    looks half a map away, so that far places are in reach of usual learning rates. A gradient only
    ever says what the four pixels around the present place are like, which is why it is apt to get
    stuck.

    Args:
        channels: Width of the generator; its features are four times as wide.
        start: ``"identity"`` or ``"random"``, where it looks before training.
        where: ``"everywhere"`` or ``"hole"``, what it moves.
    """

    def __init__(
        self, channels: int, start: Start = "identity", where: Where = "everywhere"
    ) -> None:
        super().__init__(where)
        self.channels, self.start = channels, start
        self.flow = SameConv2d(4 * channels + 1, 2, 3)
        initialise(self.flow, start)

    def displacement(self, inputs: Tensor) -> Tensor:
        """Predict a displacement per position."""
        return self.flow(inputs) * half_side(inputs)
