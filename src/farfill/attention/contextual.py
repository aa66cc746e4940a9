r"""Contextual attention: borrow features from far-away known places (paper, section 4.1).

In the paper's words, with :math:`f` a foreground patch around :math:`(x, y)` and :math:`b` a
background patch around :math:`(x', y')`, both taken on a grid that is ``rate`` times smaller:

1. They are compared by cosine similarity (equation 3),
   :math:`s_{x,y,x',y'} = \langle f / \lVert f \rVert,\; b / \lVert b \rVert \rangle`.
2. Propagation lets neighbours agree to borrow from neighbouring places (equation 4),
   :math:`\hat s_{x,y,x',y'} = \sum_{i=-k}^{k} s_{x+i,y,x'+i,y'}`, then likewise along ``y``.
3. A softmax over all :math:`(x', y')` gives the attention,
   :math:`s^* = \mathrm{softmax}_{x',y'}(\lambda \hat s)`.
4. The background patches, ``2 rate`` wide and at full resolution, are pasted with these weights: a
   transposed convolution with the patches as filters; overlapping pixels are averaged.

Where the paper and the authors' code differ, this follows the code (``tests/reference``): only
:math:`b` is divided by its length; propagation comes before the softmax; it wraps from the end of
a line to the next; and a patch with missing pixels is not left out of the softmax. Its similarity
is multiplied by 0 before the softmax and its weight by 0 afterwards, so that it keeps
:math:`e^0 = 1` in the denominator, and the weights of a position sum to less than 1.

:mod:`farfill.attention.plain` writes these steps one after the other. Here cheaper algebra gives
the same numbers, a band of rows at a time, so that memory does not grow with the square of the
area. Gradients compute each band again.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from farfill.attention.paste import Paste, assemble
from farfill.attention.protocol import PatchAttention, check_features
from farfill.attention.similarity import Similarity, band, known_patches
from farfill.layer.convolution import same_padding
from farfill.op.spatial import pixel_positions, reduce_nearest
from farfill.types import AttentionResult


class ContextualAttention(PatchAttention):
    """Soft matching of foreground patches to known background patches, and pasting of those.

    It has no parameters. Every sample is treated on its own, with its own hole.

    Args:
        patch_size: Side of the patches that are compared, on the reduced grid (at least 1).
        rate: How much smaller the grid is on which patches are compared (at least 1). The pasted
            patches are ``2 * rate`` wide and taken at full resolution.
        stride: Background patches are taken at every ``stride``-th row and column of the reduced
            grid, starting with the first (section 4.1: fewer patches, less work).
        propagation: Side of the identity kernel that lets neighbouring positions agree to
            borrow from neighbouring places (odd), or ``None`` for none.
        softmax_scale: Factor of the similarities before the softmax.

    Raises:
        ValueError: If a parameter is out of its range.
    """

    def forward(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None = None
    ) -> AttentionResult:
        """Rebuild ``foreground`` from known patches of ``background``.

        Args:
            foreground: ``(N, C, H, W)``.
            background: ``(N, C, H', W')``.
            hole: ``(N, 1, H', W')`` or ``(1, 1, H', W')``, 1 = missing, or ``None``. A background
                patch with any non-zero value in it has no weight.

        Returns:
            Features shaped like ``foreground`` and offsets ``(N, 2, ceil(H/rate), ceil(W/rate))``.
            Where no background patch is known, the features are 0 and the chosen position is 0.

        Raises:
            ValueError: If the shapes do not fit each other.
        """
        check_features(foreground, background, hole)
        n, rows = len(foreground), (0, foreground.shape[-2])
        samples, _ = self._band(foreground, background)
        holes = [None] * n if hole is None else hole.expand(n, -1, -1, -1).split(samples)
        parts = zip(foreground.split(samples), background.split(samples), holes, strict=False)
        rebuilt = [self._rebuild(*part, rows, recompute=samples < n) for part in parts]
        return AttentionResult(*(torch.cat(part) for part in zip(*rebuilt, strict=True)))

    def fill_rows(
        self, foreground: Tensor, background: Tensor, hole: Tensor, start: int, stop: int
    ) -> AttentionResult:
        """Do as :meth:`forward` for rows ``start`` to ``stop`` of one sample's features only.

        Offsets are those of the whole map, and 0 in rows that those features do not need.
        """
        rows = (start, stop)
        features, offsets = self._rebuild(foreground, background, hole, rows, recompute=False)
        return AttentionResult(features, offsets)

    def attend(self, foreground: Tensor, background: Tensor, hole: Tensor | None) -> Tensor:
        """The attention itself: ``(N, h, w, h', w')``, at most 1 over ``h' w'``; for small maps."""
        similarity, known = self._compare(foreground, background, hole)
        weights = _weights(similarity, known, 0, similarity.height)
        return weights.unflatten(-1, (similarity.lines, similarity.columns))

    def _band(self, foreground: Tensor, background: Tensor) -> tuple[int, int]:
        """How many samples at once, and how many rows of the reduced grid; see :func:`band`."""
        h, w = (-(-side // self.rate) for side in foreground.shape[-2:])
        v, u = (-(-side // (self.rate * self.stride)) for side in background.shape[-2:])
        row = w * v * u * max(foreground.element_size(), 4)
        return band(h + 1, row, foreground.device)

    def _rebuild(
        self,
        foreground: Tensor,
        background: Tensor,
        hole: Tensor | None,
        rows: tuple[int, int],
        recompute: bool,
    ) -> tuple[Tensor, Tensor]:
        """Some rows of the features, and the offsets that these need, elsewhere 0.

        Gradients compute bands again if ``recompute``.
        """
        similarity, known = self._compare(foreground, background, hole)
        paste = Paste(background, self.rate, self.stride, known)
        # Of the pasted picture, which is laid out in cells of rate x rate pixels, the foreground
        # is what TensorFlow's padding leaves: it begins some pixels inside the first cell.
        top, left = (
            same_padding(side, 2 * self.rate, self.rate)[0] for side in foreground.shape[-2:]
        )
        first, last = (rows[0] + top) // self.rate, (rows[1] - 1 + top) // self.rate + 1
        _, step = self._band(foreground, background)
        stops = [*range(first + step, last, step), last]
        run: Callable[..., tuple[Tensor, Tensor]] = _paste_band
        if torch.is_grad_enabled() and (recompute or len(stops) > 1):
            run = partial(checkpoint, run, use_reentrant=False, preserve_rng_state=False)
        bands = [
            run(similarity, paste, known, start, stop)
            for start, stop in zip([first, *stops], stops, strict=False)
        ]
        cells, chosen = (torch.cat(parts, dim=1) for parts in zip(*bands, strict=True))
        corner = (rows[0] + top - first * self.rate, left)
        features = assemble(cells, self.rate, corner, (rows[1] - rows[0], foreground.shape[-1]))
        place = torch.stack([chosen // similarity.columns, chosen % similarity.columns], dim=1)
        here = pixel_positions(len(place), similarity.height, similarity.width, like=place)
        computed = slice(first, first + place.shape[-2])
        offsets = torch.zeros_like(here)
        offsets[:, :, computed] = place * self.stride - here[:, :, computed]
        return features.to(background.dtype), offsets

    def _compare(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None
    ) -> tuple[Similarity, Tensor | None]:
        """Similarities on the reduced grid, and which places there may be borrowed from."""
        similarity = Similarity(
            reduce_nearest(foreground, self.rate),
            reduce_nearest(background, self.rate),
            self.patch_size,
            self.stride,
            self.propagation or 1,
            self.softmax_scale,
        )
        if hole is None:
            return similarity, None
        hole = reduce_nearest(hole, self.rate)
        return similarity, known_patches(hole, self.patch_size, self.stride)


@torch.compiler.disable  # it would be compiled again for every band
def _paste_band(
    similarity: Similarity, paste: Paste, known: Tensor | None, start: int, stop: int
) -> tuple[Tensor, Tensor]:
    """Rows ``start`` to ``stop`` of the pasted cells, and of the places with the most weight.

    There is a row of cells more than rows of positions: each lies between two, or beyond an end.
    So the first band looks at one row above the map, and the last at one below.
    """
    first, last = max(start - 1, 0), min(stop, similarity.height)
    weights = _weights(similarity, known, first, last)
    chosen = weights.detach()[:, start - first :].max(-1).indices  # faster than argmax
    weights = weights.unflatten(-1, (similarity.lines, similarity.columns))
    return paste.rows(weights, above=first - (start - 1), below=stop - last), chosen


def _weights(similarity: Similarity, known: Tensor | None, start: int, stop: int) -> Tensor:
    """Rows ``start`` to ``stop`` of the attention: ``(n, y, x, k)``."""
    logits = similarity.rows(start, stop)
    if known is None:
        return logits.softmax(-1)
    # As in the authors' code, what is not known keeps a logit of 0, and so e^0 in the sum; only
    # then its weight is dropped. Minus infinity would be the usual way, but gives other numbers.
    valid = known.flatten(1)[:, None, None].to(logits.dtype)
    logits *= valid
    if logits.device.type == "cpu":
        # Denormal weights make a processor several times slower. One that would be less than 1e-34
        # of the greatest becomes that; no result shows it.
        logits = torch.maximum(logits, logits.detach().amax(-1, keepdim=True) - 80)
    return logits.softmax(-1) * valid
