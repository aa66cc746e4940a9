"""The metrics that every validation and evaluation reports: formulas, names, and their means.

Every formula takes ``completed`` and ``image`` as intensities in ``[0, 1]``, ``(N, C, H, W)``, and
a ``region`` ``(N, 1, H, W)`` with 1 = counts, and returns one number per picture, ``(N,)``, NaN for
an empty region. Below, :math:`R` is the set of (pixel, channel) pairs of one picture's region,
:math:`c` the completed picture and :math:`t` the truth, which total variation does not look at.

torchmetrics computes SSIM. Its MAE, MSE, PSNR and total variation know no region that differs
from sample to sample, so these are written here; on whole pictures they agree (tested).
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn.functional import pad
from torchmetrics import Metric
from torchmetrics.functional.image import structural_similarity_index_measure

from farfill.metric.distance import Distance
from farfill.op.runtime import full_precision
from farfill.op.spatial import region_mean


def l1(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Mean absolute error, :math:`\frac{1}{|R|} \sum_R |c - t|`."""
    return region_mean((completed - image).abs(), region)


def l2(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Mean squared error (no root), :math:`\frac{1}{|R|} \sum_R (c - t)^2`."""
    return region_mean((completed - image).square(), region)


def relative_l1(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Absolute error relative to the truth, :math:`\sum_R |c - t| \,/\, \sum_R |t|`.

    The truth's mean is taken as one grey level (1/255) at least: black regions stay finite.
    """
    return l1(completed, image, region) / region_mean(image.abs(), region).clamp(min=1 / 255)


def relative_l2(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Squared error relative to the truth's, :math:`\sum_R (c - t)^2 \,/\, \sum_R t^2` (no root).

    The truth's mean square is taken as that of one grey level, (1/255)^2, at least.
    """
    truth = region_mean(image.square(), region).clamp(min=(1 / 255) ** 2)
    return l2(completed, image, region) / truth


def psnr(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Peak signal-to-noise ratio in dB, :math:`-10 \log_{10} \frac{1}{|R|} \sum_R (c - t)^2`.

    The data range is 1. A squared error below 1e-10 counts as 1e-10, so a perfect completion has
    100 dB and a mean over pictures stays finite.
    """
    return -10 * l2(completed, image, region).clamp(min=1e-10).log10()


def tv_anisotropic(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Total variation per pixel, 1-norm: :math:`\frac{1}{|R|} \sum_R |d_x| + |d_y|` of ``c``.

    :math:`d_x, d_y` lead from a pixel of the region to its right and lower neighbour, which may
    lie outside it; they are 0 where the picture ends.
    """
    dx, dy = _forward_differences(completed)
    return region_mean(dx.abs() + dy.abs(), region)


def tv_isotropic(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""The same as a 2-norm: :math:`\frac{1}{|R|} \sum_R \sqrt{d_x^2 + d_y^2}`."""
    dx, dy = _forward_differences(completed)
    return region_mean(torch.hypot(dx, dy), region)


def ssim(completed: Tensor, image: Tensor, region: Tensor) -> Tensor:
    r"""Structural similarity (Wang et al. 2004): the SSIM map's mean over the region.

    .. math:: \frac{(2 \mu_c \mu_t + k_1^2)(2 \sigma_{ct} + k_2^2)}
        {(\mu_c^2 + \mu_t^2 + k_1^2)(\sigma_c^2 + \sigma_t^2 + k_2^2)}

    with :math:`k_1 = 0.01, k_2 = 0.03`, data range 1, per channel, in a Gaussian window (sigma
    1.5, 11 x 11) over the picture mirrored at its border. In a hole the windows of its outer 5
    pixels reach into the known region. A side of less than 6 pixels is too short to be mirrored.
    """
    height, width = image.shape[-2:]
    if min(height, width) < 6:
        raise ValueError(
            f"SSIM: expected pictures of at least 6 x 6 pixels, got {height} x {width}."
        )
    # The variances are small differences of large means: half precision and TF32 ruin them.
    with full_precision(image), torch.backends.cudnn.flags(enabled=False):
        _, similarity = structural_similarity_index_measure(
            completed, image, data_range=1.0, reduction="none", return_full_image=True
        )
    return region_mean(similarity, region)


def _forward_differences(image: Tensor) -> tuple[Tensor, Tensor]:
    return pad(image.diff(dim=-1), (0, 1)), pad(image.diff(dim=-2), (0, 0, 0, 1))


#: The formulas by name.
METRICS = {
    metric.__name__: metric
    for metric in (l1, l2, relative_l1, relative_l2, psnr, ssim, tv_anisotropic, tv_isotropic)
}
NAMES = tuple(f"{name}_{region}" for name in METRICS for region in ("hole", "full"))


def per_image(completed: Tensor, image: Tensor, hole: Tensor) -> dict[str, Tensor]:
    """Every metric for every picture, :data:`NAMES` -> ``(N,)``; see the formulas above.

    ``completed`` and ``image``, ``(N, 3, H, W)`` in ``[-1, 1]``, are scored as intensities
    ``(x + 1) / 2``: ``l1_hole`` over the ``hole``, ``(N, 1, H, W)``, 1 = missing, ``l1_full`` over
    all.
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

    Args:
        distances: By any name; what final reports and evaluations measure besides. A validation
            does not: they take longer than its pictures. Those that are ``None`` are left out.

    Raises:
        ValueError: Two distances would have the same column.
    """

    full_state_update = False
    totals: Tensor
    pictures: Tensor

    def __init__(self, distances: Mapping[str, Distance | None] | None = None) -> None:
        super().__init__()
        self.distances = [one for one in (distances or {}).values() if one is not None]
        names = [one.name for one in self.distances]
        if len({*names}) < len(names):
            raise ValueError(
                f"expected `metric.distances` to have different names, got {', '.join(names)}"
            )
        # Sums, so that processes that saw different numbers of pictures reduce rightly.
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
