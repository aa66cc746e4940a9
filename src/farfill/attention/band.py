"""How much of an attention is computed at once."""

from __future__ import annotations

import torch

#: Bytes that the similarities of a band may take: on a processor what its caches hold.
BAND_BYTES = {"cpu": 12 * 2**20, "cuda": 2**28}
LEAST_ROWS = 4  # of a band: it computes about as many again which its neighbours have, too


def band(height: int, row_bytes: int, device: torch.device) -> tuple[int, int]:
    """Choose how many samples to take at once, and how many rows of each.

    Args:
        height: Rows of one sample.
        row_bytes: What the similarities of a row take.
        device: Where.

    Returns:
        Several samples with all their rows, or one sample and some rows.
    """
    budget = BAND_BYTES.get(device.type, BAND_BYTES["cuda"])
    samples = budget // (height * row_bytes)
    if samples:
        return samples, height
    count = -(-height // max(LEAST_ROWS, budget // row_bytes))
    return 1, -(-height // count)
