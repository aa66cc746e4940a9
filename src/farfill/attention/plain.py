"""Contextual attention as the paper's section 4.1 writes it: slow, clear, and the place to start.

:mod:`farfill.attention.contextual` gives the same numbers several times faster, in less memory.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farfill.attention.protocol import check_features
from farfill.layer.convolution import same_padding
from farfill.op.spatial import pixel_positions, reduce_nearest
from farfill.types import AttentionResult


class PlainContextualAttention(nn.Module):
    """Takes the arguments of :class:`~farfill.attention.contextual.ContextualAttention`."""

    def __init__(
        self,
        patch_size: int = 3,
        rate: int = 2,
        stride: int = 1,
        propagation: int | None = 3,
        softmax_scale: float = 10.0,
    ) -> None:
        super().__init__()
        self.patch_size, self.rate, self.stride = patch_size, rate, stride
        self.propagation, self.softmax_scale = propagation, softmax_scale

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Paste background patches, weighted; arguments and result as of the fast one."""
        check_features(foreground, background, hole)
        weights = self.attend(foreground, background, hole)
        n, h, w, _, columns = weights.shape
        # Patches of 2 x 2 cells of the small grid, at full resolution: every pixel lies in 4.
        side, rate = 2 * self.rate, self.rate
        sources = patches(background, side, rate, self.stride)
        pasted = sources @ weights.flatten(1, 2).flatten(2).mT / 4
        features = lay_out(pasted, foreground.shape[-2:], side, rate)
        chosen = weights.flatten(3).argmax(3)
        place = torch.stack([chosen // columns, chosen % columns], dim=1) * self.stride
        return AttentionResult(features, place - pixel_positions(n, h, w, like=place))

    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """Weights of the known background patches for each position: ``(N, h, w, h', w')``."""
        if hole is None:
            hole = torch.zeros_like(background[:1, :1])
        f, b, hole = (reduce_nearest(x, self.rate) for x in (foreground, background, hole))
        grid = *f.shape[-2:], *(-(-side // self.stride) for side in b.shape[-2:])
        # Equation 3, the cosine similarity. The code divides by the length of b alone.
        f_patches = patches(f, self.patch_size)
        b_patches = patches(b, self.patch_size, step=self.stride)
        b_patches = b_patches / b_patches.norm(dim=1, keepdim=True).clamp_min(1e-4)
        s = f_patches.mT @ b_patches
        # Equation 4, propagation: a position's neighbours agree if they look at neighbours.
        if self.propagation is not None:
            s = diagonal_sums(s, self.propagation)  # along rows ...
            turned = s.unflatten(2, grid[2:]).unflatten(1, grid[:2]).permute(0, 2, 1, 4, 3)
            turned = diagonal_sums(turned.flatten(3).flatten(1, 2), self.propagation)
            turned = turned.unflatten(2, grid[:1:-1]).unflatten(1, grid[1::-1])
            s = turned.permute(0, 2, 1, 4, 3).flatten(3).flatten(1, 2)  # ... and along columns
        # The softmax. The code lets patches with missing pixels take part, with a similarity of 0.
        known = ~patches(hole, self.patch_size, step=self.stride).any(dim=1, keepdim=True)
        weights = (self.softmax_scale * s * known).softmax(dim=2) * known
        return weights.unflatten(2, grid[2:]).unflatten(1, grid[:2])


def patches(x: Tensor, side: int, rate: int = 1, step: int = 1) -> Tensor:
    """Patches around every ``step``-th position of a grid ``rate`` times smaller, as columns."""
    (top, bottom), (left, right) = (same_padding(size, side, rate) for size in x.shape[-2:])
    return F.unfold(F.pad(x, (left, right, top, bottom)), side, stride=rate * step)


def lay_out(columns: Tensor, size: tuple[int, ...], side: int, rate: int) -> Tensor:
    """Sum patches at their places, the transposed convolution of the paper: ``(N, C, *size)``."""
    (top, bottom), (left, right) = (same_padding(length, side, rate) for length in size)
    padded = size[0] + top + bottom, size[1] + left + right
    image = F.fold(columns, padded, side, stride=rate)
    return image[..., top : top + size[0], left : left + size[1]]


def diagonal_sums(s: Tensor, length: int) -> Tensor:
    """Convolve with an identity kernel, on flat indices: the end of a line meets the next one."""
    kernel = torch.eye(length, dtype=s.dtype, device=s.device)[None, None]
    return F.conv2d(s[:, None], kernel, padding=length // 2)[:, 0]
