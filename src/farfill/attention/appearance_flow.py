"""Appearance flow: a convolution says for each position where to look (section 5.3)."""

from __future__ import annotations

from torch import Tensor, nn

from farfill.attention.warp import warp, with_hole
from farfill.layer.convolution import SameConv2d
from farfill.op.precision import full_precision
from farfill.op.sample import half_side
from farfill.types import AttentionResult


class AppearanceFlow(nn.Module):
    """A convolution predicts a 2-D displacement per position; features are sampled there.

    After Zhou et al. 2016 (arXiv 1605.03557), in the place of contextual attention. It starts as
    the identity; an output of 1 looks half a map away, so that far places are in reach of usual
    learning rates. A gradient only ever says what the four pixels around the present place are
    like, which is why it is apt to get stuck.

    Args:
        channels: Width of the generator; its features are four times as wide.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.flow = SameConv2d(4 * channels + 1, 2, 3)
        nn.init.zeros_(self.flow.weight)

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Sample ``background`` at the predicted positions.

        Args:
            foreground: ``(N, C, H, W)``, what the displacement is predicted from.
            background: ``(N, C, H, W)``.
            hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing, or ``None``.

        Returns:
            Features like ``foreground``, offsets ``(N, 2, H, W)`` to the nearest pixel.

        Raises:
            ValueError: If the shapes do not fit each other.
        """
        inputs = with_hole(foreground, background, hole)
        with full_precision(inputs):
            return warp(background, self.flow(inputs) * half_side(inputs))
