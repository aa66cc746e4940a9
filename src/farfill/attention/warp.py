"""What attentions that move the whole feature map share."""

from abc import ABC, abstractmethod
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from farfill.attention.protocol import check_features
from farfill.op.runtime import full_precision
from farfill.op.spatial import pixel_positions, sample
from farfill.types import AttentionResult

#: Where an untrained warp looks: everywhere at its own place, or as a fresh layer happens to say.
Start = Literal["identity", "random"]
#: What a warp moves: the hole alone, as contextual attention and Shift-Net do, or the whole map.
Where = Literal["hole", "everywhere"]


class Warp(nn.Module, ABC):
    """An attention that samples the background wherever a network sends each position.

    Args:
        where: ``"everywhere"``, as the papers of the warps have it, or ``"hole"``: known positions
            keep their feature. A known region that moves costs the reconstruction of its pixels,
            which may hold a map of the whole picture at the identity.
    """

    def __init__(self, where: Where = "everywhere") -> None:
        super().__init__()
        if where not in get_args(Where):
            options = ", ".join(get_args(Where))
            raise ValueError(f"attention.where is one of {options}, got {where!r}")
        self.where = where

    @abstractmethod
    def displacement(self, inputs: Tensor) -> Tensor:
        """Predict how far from itself each position looks: ``(N, 2, H, W)``, in pixels of the map.

        ``inputs`` ``(N, C + 1, H, W)``, at least float32, are features and where they are missing.
        """

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Sample ``background`` at the predicted positions, offsets to the nearest pixel.

        Arguments as of :class:`~farfill.attention.protocol.Attention`, of the same size.
        """
        check_features(foreground, background, hole, one_size=True)
        n, _, height, width = background.shape
        missing = foreground.new_zeros(1, 1, height, width) if hole is None else hole
        missing = missing.to(foreground.dtype).expand(n, -1, -1, -1)
        inputs = torch.cat([foreground, missing], dim=1)
        inputs = inputs.to(torch.promote_types(inputs.dtype, torch.float32))
        with full_precision(inputs):
            displacement = self.displacement(inputs)
            if self.where == "hole":
                displacement = displacement * (missing != 0)
            here = pixel_positions(n, height, width, like=displacement)
            there = here + displacement  # where that is 0, `background` is read bit for bit
            nearest = there.detach().round().clamp_min(0).minimum(2 * half_side(there))
            return AttentionResult(sample(background, there), (nearest - here).long())


def initialise(layer: nn.Conv2d | nn.Linear, start: Start) -> None:
    """Set the last layer of a displacement's network: zeros, or Glorot uniform weights."""
    if start not in get_args(Start):
        raise ValueError(f"attention.start is one of {', '.join(get_args(Start))}, got {start!r}")
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    if start == "identity":
        nn.init.zeros_(layer.weight)
    else:
        nn.init.xavier_uniform_(layer.weight)


def half_side(like: Tensor) -> Tensor:
    """Half of the way from the first to the last row and column, in pixels: ``(1, 2, 1, 1)``."""
    height, width = like.shape[-2:]
    return like.new_tensor([(height - 1) / 2, (width - 1) / 2]).view(1, 2, 1, 1)
