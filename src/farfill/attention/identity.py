"""Identity: the attention's branch with nothing borrowed, to tell borrowing from capacity."""

import torch
from torch import Tensor, nn

from farfill.attention.protocol import check_features
from farfill.types import AttentionResult


class Identity(nn.Module):
    """Leaves every feature where it is.

    The generator then has the parameters, the layers and the start of one with contextual
    attention, and only the borrowing is missing. What that one does better is due to the borrowing;
    what both do better than :class:`~farfill.attention.none.NoAttention`, to the second branch.
    """

    def __init__(self) -> None:
        super().__init__()

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Return ``background`` and offsets of 0.

        Arguments as of :class:`~farfill.attention.protocol.Attention`, of the same size.
        """
        check_features(foreground, background, hole, one_size=True)
        n, _, height, width = background.shape
        offsets = torch.zeros(n, 2, height, width, dtype=torch.int64, device=background.device)
        return AttentionResult(background, offsets)
