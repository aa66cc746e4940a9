"""Contextual attention, step by step (paper, section 4.1): slow, clear, and the place to start.

Where the authors' code differs from the paper, this follows the code, and a comment says so.
:mod:`farfill.attention.contextual` gives the same numbers several times faster, in less memory.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from farfill.attention.protocol import PatchAttention, check_features
from farfill.layer.convolution import same_padding
from farfill.op.spatial import pixel_positions, reduce_nearest
from farfill.types import AttentionResult


class PlainContextualAttention(PatchAttention):
    """Takes the arguments of :class:`~farfill.attention.contextual.ContextualAttention`."""

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Rebuild ``foreground`` from patches of ``background``, both ``(N, C, H, W)``.

        ``hole``, 1 = missing, ``(N or 1, 1, H, W)``, says what of the background is not there.
        """
        check_features(foreground, background, hole)
        weights = self.attend(foreground, background, hole)
        # Patches of 2 x 2 cells of the small grid, at full resolution: every pixel lies in 4.
        sources = patches(background, 2 * self.rate, self.rate, self.stride)
        pasted = sources @ weights.flatten(1, 2).flatten(2).mT / 4
        features = lay_out(pasted, foreground.shape[-2:], 2 * self.rate, self.rate)
        chosen = torch.unravel_index(weights.flatten(3).argmax(3), weights.shape[3:])
        place = torch.stack(chosen, dim=1) * self.stride
        here = pixel_positions(len(place), place.shape[2], place.shape[3], like=place)
        return AttentionResult(features, place - here)

    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """Weights of the known background patches for each position: ``(N, h, w, h', w')``."""
        hole = torch.zeros_like(background[:1, :1]) if hole is None else hole
        f, b, hole = (reduce_nearest(x, self.rate) for x in (foreground, background, hole))
        # Equation 3, the cosine similarity. The code divides by the length of b alone, which the
        # softmax notices: where f is longer, attention is sharper.
        f_patches = patches(f, self.patch_size)
        b_patches = patches(b, self.patch_size, step=self.stride)
        b_patches = b_patches / b_patches.norm(dim=1, keepdim=True).clamp_min(1e-4)
        places = [-(-side // self.stride) for side in b.shape[-2:]]
        s = (f_patches.mT @ b_patches).unflatten(2, places).unflatten(1, f.shape[-2:])
        # Equation 4, propagation: a position's neighbours agree if they look at neighbours.
        if self.propagation is not None:
            s = propagate(s, self.propagation)  # along rows, then, turned, along columns
            s = propagate(s.permute(0, 2, 1, 4, 3), self.propagation).permute(0, 2, 1, 4, 3)
        # The softmax. The code lets patches with missing pixels take part, with a similarity of 0.
        known = ~patches(hole, self.patch_size, step=self.stride).any(dim=1)
        known = known.unflatten(1, places)[:, None, None]
        weights = (self.softmax_scale * s * known).flatten(3).softmax(dim=3)
        return weights.unflatten(3, places) * known


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


def propagate(s: Tensor, length: int) -> Tensor:
    """Sum ``(N, h, w, h', w')`` over steps along a row that both positions take together.

    On flat indices that is a convolution with an identity kernel. Like the authors' code, it steps
    from the end of a row to the start of the next.
    """
    kernel = torch.eye(length, dtype=s.dtype, device=s.device)[None, None]
    flat = s.flatten(3).flatten(1, 2)[:, None]
    return F.conv2d(flat, kernel, padding=length // 2).view(s.shape)
