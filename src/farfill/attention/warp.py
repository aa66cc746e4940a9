"""What attentions that move the whole feature map share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from farfill.attention.shapes import check_shapes, check_sizes
from farfill.op.precision import full_precision
from farfill.op.sample import own_position, sample
from farfill.types import AttentionResult

#: Where an untrained warp looks: everywhere at its own place, or as a fresh layer happens to say.
Start = Literal["identity", "random"]


class Warp(nn.Module, ABC):
    """An attention that samples the background wherever a network sends each position."""

    @abstractmethod
    def displacement(self, inputs: Tensor) -> Tensor:
        """Predict how far from itself each position looks.

        Args:
            inputs: ``(N, C + 1, H, W)``, at least float32: features, and where they are missing.

        Returns:
            ``(N, 2, H, W)``, rows and columns in pixels of the map.
        """

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
        check_shapes(foreground, background, hole)
        check_sizes(foreground, background)
        inputs = with_hole(foreground, hole)
        with full_precision(inputs):
            return warp(background, self.displacement(inputs))


def initialise(layer: nn.Conv2d | nn.Linear, start: Start) -> None:
    """Set the last layer of a displacement's network: zeros, or Glorot uniform weights.

    Raises:
        ValueError: If ``start`` is neither.
    """
    if start not in get_args(Start):
        raise ValueError(f"attention.start is one of {', '.join(get_args(Start))}, got {start!r}")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    if start == "identity":
        nn.init.zeros_(layer.weight)
    else:
        nn.init.xavier_uniform_(layer.weight)


def warp(background: Tensor, displacement: Tensor) -> AttentionResult:
    """Sample ``background`` away from each own position.

    Args:
        background: ``(N, C, H, W)``.
        displacement: ``(N, 2, H, W)``, rows and columns in pixels of the map; 0 is the identity,
            which returns ``background`` bit for bit.

    Returns:
        Sampled features, and offsets to the nearest pixel, of positions inside the map.
    """
    n, _, height, width = background.shape
    own = own_position(n, height, width, like=displacement)
    position = own + displacement
    last = torch.tensor([height - 1, width - 1], device=own.device).view(1, 2, 1, 1)
    nearest = position.detach().round().clamp_min(0).minimum(last)
    return AttentionResult(sample(background, position), (nearest - own).long())


def with_hole(features: Tensor, hole: Tensor | None) -> Tensor:
    """Put features and hole into one map: ``(N, C + 1, H, W)``, at least float32."""
    missing = torch.zeros_like(features[:1, :1]) if hole is None else hole.to(features.dtype)
    both = torch.cat([features, missing.expand(len(features), -1, -1, -1)], dim=1)
    return both.to(torch.promote_types(both.dtype, torch.float32))
