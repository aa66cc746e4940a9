"""The best that copying can do, because it sees the truth: a ceiling, and no filler."""

import torch
from torch import Tensor
from torch.nn.functional import fold, max_pool2d, pad, unfold

from farfill.baseline.mean_colour import MeanColour
from farfill.types import Batch

AT_ONCE = 2**24  # distances in memory together


class Oracle:
    """Copy for each patch of the hole the known patch that is most like the true one.

    Patches overlap by half and are averaged where they do, as contextual attention pastes them
    (section 4.1; patches of 8 pixels are those of its rate 1), so it is what an attention that
    always looked at the best place would fill with the picture's own pixels. Sources are all
    patches without a missing pixel, at every pixel; turned or mirrored they do not count. Where
    there are none the hole gets the mean colour.

    Args:
        side: Of a patch, in pixels; even.
    """

    def __init__(self, side: int = 8) -> None:
        if side < 2 or side % 2:
            raise ValueError(f"expected `side` to be an even number from 2, got {side}")
        self.side = side

    def __call__(self, batch: Batch) -> Tensor:
        """Complete ``batch``.

        Raises:
            ValueError: Pictures are smaller than a patch.
        """
        if min(batch.image.shape[-2:]) < self.side:
            height, width = batch.image.shape[-2:]
            raise ValueError(
                f"oracle: expected pictures of at least {self.side} x {self.side} pixels, got "
                f"{height} x {width}"
            )
        pairs = zip(batch.image, batch.hole, MeanColour()(batch), strict=True)
        return torch.stack([self._fill(*(x[None] for x in each)) for each in pairs])

    def _fill(self, image: Tensor, hole: Tensor, grey: Tensor) -> Tensor:
        side, step = self.side, self.side // 2
        # Patches at every half side, from beyond one edge to beyond the other.
        edges = [step] * 4
        targets = unfold(pad(image, edges, mode="replicate"), side, stride=step)[0].T
        wanted = unfold(pad(hole, edges), side, stride=step)[0].amax(0) > 0
        known = max_pool2d(hole, side, stride=1).flatten() == 0
        if not known.any():
            return grey[0]
        sources = unfold(image, side)[0].T[known]
        sizes = sources.square().sum(1)
        best = [
            (sizes - 2 * some @ sources.T).argmin(1)
            for some in targets[wanted].split(max(1, AT_ONCE // len(sources)))
        ]
        targets[wanted] = sources[torch.cat(best)]
        painted, times = (
            fold(x.T[None], image.shape[-2:], side, stride=step, padding=step)
            for x in (targets, torch.ones_like(targets))
        )
        return torch.where(hole.bool(), painted / times, image)[0]
