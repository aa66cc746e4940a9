"""Plain forms of the two published designs, written here from their description.

They are what the suite is measured against: attention with patches laid out as kernels of a
convolution and a transposed convolution, one picture at a time, and a generator that enlarges
before it convolves. The originals are not ours to ship.
"""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from farfill.critic.local_global import LocalGlobal
from farfill.critic.protocol import TwoViews
from farfill.generator.two_stage import Generator
from farfill.layer.convolution import DoublingConv2d, SameConv2d
from farfill.op.spatial import reduce_nearest
from farfill.types import AttentionResult


class PatchesAsKernels(nn.Module):
    """Contextual attention with its default switches, per picture, for even sizes."""

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Do as :class:`farfill.ContextualAttention`."""
        if hole is None:
            hole = torch.zeros_like(background[:1, :1])
        known = F.max_pool2d(reduce_nearest(hole, 2), 3, 1, 1) == 0
        known = known.to(foreground.dtype).expand(len(foreground), -1, -1, -1)
        pairs = [self._one(*one) for one in zip(foreground, background, known, strict=True)]
        features, offsets = (torch.stack(part) for part in zip(*pairs, strict=True))
        return AttentionResult(features, offsets)

    def _one(self, foreground: Tensor, background: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        channels = len(background)
        small, source = (reduce_nearest(x[None], 2) for x in (foreground, background))
        (h, w), (v, u) = small.shape[-2:], source.shape[-2:]
        kernels = F.unfold(source, 3, padding=1)[0].T.reshape(v * u, channels, 3, 3)
        kernels = kernels / kernels.flatten(1).norm(dim=1).clamp_min(1e-4).view(-1, 1, 1, 1)
        scores = F.conv2d(small, kernels, padding=1)
        scores = scores.permute(0, 2, 3, 1).reshape(1, 1, h * w, v * u)
        diagonal = torch.eye(3, dtype=scores.dtype)[None, None]
        scores = F.conv2d(scores, diagonal, padding=1).view(h, w, v, u).permute(1, 0, 3, 2)
        scores = F.conv2d(scores.reshape(1, 1, h * w, v * u), diagonal, padding=1)
        scores = scores.view(w, h, u, v).permute(1, 0, 3, 2).reshape(h, w, v * u).permute(2, 0, 1)
        valid = known.reshape(-1, 1, 1)
        attention = (10 * scores * valid).softmax(0) * valid
        patches = F.unfold(background[None], 4, padding=1, stride=2)[0].T
        patches = patches.reshape(v * u, channels, 4, 4)
        features = F.conv_transpose2d(attention[None], patches, stride=2, padding=1)[0] / 4
        winner = attention.argmax(0)
        rows, columns = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
        return features, torch.stack([winner // u - rows, winner % u - columns])


class TwiceDifferentiated(LocalGlobal):
    """The critics, of which the penalty finds the gradient by differentiating them twice."""

    input_gradient = TwoViews.input_gradient


def plain_generator(generator: Generator) -> Generator:
    """A copy with the same weights, which enlarges before it convolves, and plain attention."""
    plain = copy.deepcopy(generator)
    for module in list(plain.modules()):
        for name, child in list(module.named_children()):
            if isinstance(child, DoublingConv2d):
                convolution = SameConv2d(child.in_channels, child.out_channels, 3).to(child.weight)
                convolution.load_state_dict(child.state_dict())
                setattr(module, name, nn.Sequential(nn.Upsample(scale_factor=2), convolution))
    plain.refinement.attention = PatchesAsKernels()
    return plain
