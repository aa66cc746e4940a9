"""Spatial transformer: one affine map for all features of a picture (section 5.3)."""

import torch
from torch import Tensor, nn

from farfill.attention.warp import Start, Warp, Where, half_side, initialise
from farfill.layer.convolution import SameConv2d
from farfill.op.spatial import pixel_positions

_POOLED = 4  # side of the map that the linear layer sees, whatever the picture's size


class SpatialTransformer(Warp):
    """A small network predicts one affine map per picture; features are sampled by it.

    After Jaderberg et al. 2015 (arXiv 1506.02025), in the place of contextual attention.

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
        self.localisation = nn.Sequential(
            SameConv2d(4 * channels + 1, 2 * channels, 3, stride=2),
            nn.ELU(),
            SameConv2d(2 * channels, channels, 3, stride=2),
            nn.ELU(),
            nn.AdaptiveAvgPool2d(_POOLED),
            nn.Flatten(),
        )
        self.affine = nn.Linear(channels * _POOLED**2, 6)
        initialise(self.affine, start)

    def displacement(self, inputs: Tensor) -> Tensor:
        """Predict one affine map per picture and apply it to every position."""
        change = self.affine(self.localisation(inputs)).view(-1, 2, 3)
        return affine_displacement(change, *inputs.shape[-2:])


def affine_displacement(change: Tensor, height: int, width: int) -> Tensor:
    """How far an affine map moves each position, in pixels: ``(N, 2, height, width)``.

    ``change`` ``(N, 2, 3)`` is the map minus the identity, for ``(row, column, 1)`` scaled to
    ``[-1, 1]`` between the first and the last pixel.
    """
    here = pixel_positions(1, height, width, like=change)
    half = half_side(here)
    scaled = torch.cat([here / half.clamp_min(0.5) - 1, torch.ones_like(here[:, :1])], dim=1)
    return torch.einsum("nij,jyx->niyx", change, scaled[0]) * half
