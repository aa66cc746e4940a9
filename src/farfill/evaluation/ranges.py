"""What a metric can be at all: an interval says nothing of what lies beyond."""

import numpy as np

from farfill.evaluation.statistics import Estimate
from farfill.metric import attention

POSITIVE, SHARE, COSINE = (0.0, np.inf), (0.0, 1.0), (-1.0, 1.0)
#: Metric, or the word before its first underscore -> its least and greatest value.
RANGES = {
    **dict.fromkeys(("l1", "l2", "relative", "tv", "lpips", "fid", "swd", "attention"), POSITIVE),
    **dict.fromkeys((f"attention_{name}" for name in attention.FRACTIONS), SHARE),
    **dict.fromkeys(("uids", "clipped"), SHARE),
    **dict.fromkeys(("ssim", "attention_similarity"), COSINE),
    "hole_variance": POSITIVE,
    "psnr": (-np.inf, 100.0),
}


def possible(metric: str) -> tuple[float, float]:
    """Least and greatest value of a metric, by its name; those unknown can be anything."""
    return RANGES.get(metric) or RANGES.get(metric.split("_")[0]) or (-np.inf, np.inf)


def within(found: Estimate, low: float, high: float) -> Estimate:
    """Cut an interval at what is possible; the true mean is, so nothing is lost.

    Student's t over two or three seeds knows no bounds: SSIM once reached 1.04.
    """
    return found._replace(low=np.clip(found.low, low, high), high=np.clip(found.high, low, high))


def differing(low: float, high: float) -> tuple[float, float]:
    """Least and greatest difference of two such values."""
    return low - high, high - low
