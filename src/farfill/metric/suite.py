"""The metrics that every validation and evaluation reports, by name and region."""

from __future__ import annotations

import torch
from torch import Tensor
from torchmetrics import Metric

from farfill.metric import functional

METRICS = {
    "l1": functional.l1,
    "l2": functional.l2,
    "relative_l1": functional.relative_l1,
    "relative_l2": functional.relative_l2,
    "psnr": functional.psnr,
    "ssim": functional.ssim,
    "tv_anisotropic": functional.tv_anisotropic,
    "tv_isotropic": functional.tv_isotropic,
}
NAMES = tuple(f"{name}_{region}" for name in METRICS for region in ("hole", "full"))


def per_image(completed: Tensor, image: Tensor, hole: Tensor) -> dict[str, Tensor]:
    """Every metric for every picture; formulas in :mod:`farfill.metric.functional`.

    Args:
        completed: ``(N, 3, H, W)`` in ``[-1, 1]``; scored as intensities ``(x + 1) / 2``.
        image: The truth, likewise.
        hole: ``(N, 1, H, W)``, 1 = missing.

    Returns:
        :data:`NAMES` -> ``(N,)``: ``l1_hole`` counts the hole's pixels, ``l1_full`` all.
    """
    completed, image = ((x.float() + 1) / 2 for x in (completed, image))
    regions = {"hole": hole.float(), "full": torch.ones_like(hole, dtype=torch.float32)}
    return {
        f"{name}_{region}": metric(completed, image, regions[region])
        for name, metric in METRICS.items()
        for region in regions
    }


class InpaintingMetrics(Metric):
    """Means of :func:`per_image` over all pictures seen, whatever the batches and processes.

    Its states are sums, so that processes that saw different numbers of pictures reduce rightly.
    """

    full_state_update = False
    totals: Tensor
    pictures: Tensor

    def __init__(self) -> None:
        """Start with no picture seen."""
        super().__init__()
        self.add_state("totals", torch.zeros(len(NAMES)), dist_reduce_fx="sum")
        self.add_state("pictures", torch.tensor(0), dist_reduce_fx="sum")

    def update(self, completed: Tensor, image: Tensor, hole: Tensor) -> None:
        """Add pictures; arguments as in :func:`per_image`."""
        values = per_image(completed, image, hole)
        self.totals += torch.stack([values[name].sum() for name in NAMES])
        self.pictures += len(image)

    def compute(self) -> dict[str, Tensor]:
        """Mean over the pictures of every metric, by name."""
        return dict(zip(NAMES, self.totals / self.pictures, strict=True))
