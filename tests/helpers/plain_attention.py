"""Contextual attention written out plainly, patch by patch: the readable reference of the tests.

Slow on purpose. It follows the steps of the operation one after the other, with explicit patches
and plain loops, one sample at a time, and shares no code with the product.
"""

from __future__ import annotations

import numpy as np
import torch


def shrink(array: np.ndarray, rate: int) -> np.ndarray:
    """(H, W, C): nearest neighbour with aligned corners."""
    if rate == 1:
        return array
    for axis in (0, 1):
        size = array.shape[axis]
        small = -(-size // rate)
        scale = np.float32(size - 1) / np.float32(max(small - 1, 1))
        index = [
            min(int(np.floor(float(np.float32(i) * scale) + 0.5)), size - 1) for i in range(small)
        ]
        array = array.take(index, axis)
    return array


def patch(array: np.ndarray, row: int, column: int, size: int) -> np.ndarray:
    """The size x size patch around a position; for even sizes the extra row is below."""
    out = np.zeros((size, size, array.shape[2]), array.dtype)
    for i in range(size):
        for j in range(size):
            y, x = row + i - (size - 1) // 2, column + j - (size - 1) // 2
            if 0 <= y < array.shape[0] and 0 <= x < array.shape[1]:
                out[i, j] = array[y, x]
    return out


def diagonal(scores: np.ndarray, width: int) -> np.ndarray:
    """Correlate the (P, Q) matrix with an identity kernel."""
    out = np.zeros_like(scores)
    for p in range(scores.shape[0]):
        for q in range(scores.shape[1]):
            for j in range(-(width // 2), width // 2 + 1):
                if 0 <= p + j < scores.shape[0] and 0 <= q + j < scores.shape[1]:
                    out[p, q] += scores[p + j, q + j]
    return out


def propagate(scores: np.ndarray, grid, back, width: int) -> np.ndarray:
    scores = diagonal(scores, width)
    shape = (*grid, *back)
    turned = scores.reshape(shape).transpose(1, 0, 3, 2).reshape(scores.shape)
    turned = diagonal(turned, width)
    turned = turned.reshape(grid[1], grid[0], back[1], back[0]).transpose(1, 0, 3, 2)
    return turned.reshape(scores.shape)


def attend_one(f, b, hole, patch_size, rate, stride, propagation, softmax_scale):
    """(H, W, C), (H', W', C), (H', W', 1) -> features (H, W, C), offsets (2, h, w)."""
    f_small, b_small = shrink(f, rate), shrink(b, rate)
    hole_small = shrink(hole, rate)
    grid = f_small.shape[:2]
    places = [
        (v, u)
        for v in range(0, b_small.shape[0], stride)
        for u in range(0, b_small.shape[1], stride)
    ]
    back = (-(-b_small.shape[0] // stride), -(-b_small.shape[1] // stride))
    scores = np.zeros((grid[0] * grid[1], len(places)), f.dtype)
    valid = np.zeros(len(places), f.dtype)
    for q, (v, u) in enumerate(places):
        candidate = patch(b_small, v, u, patch_size)
        valid[q] = float(not patch(hole_small, v, u, patch_size).any())
        candidate = candidate / max(np.sqrt((candidate**2).sum()), 1e-4)
        for p in range(scores.shape[0]):
            own = patch(f_small, p // grid[1], p % grid[1], patch_size)
            scores[p, q] = (own * candidate).sum()
    if propagation is not None:
        scores = propagate(scores, grid, back, propagation)
    logits = scores * valid * softmax_scale
    weights = np.exp(logits - logits.max(1, keepdims=True))
    weights = weights / weights.sum(1, keepdims=True) * valid

    out = np.zeros_like(f)
    offsets = np.zeros((2, *grid), int)
    b_top, b_left = (
        max(0, (n - 1) * rate + 2 * rate - m) // 2
        for n, m in zip(b_small.shape[:2], b.shape[:2], strict=True)
    )
    top, left = (
        max(0, (n - 1) * rate + 2 * rate - m) // 2 for n, m in zip(grid, f.shape[:2], strict=True)
    )
    for p in range(scores.shape[0]):
        y, x = p // grid[1], p % grid[1]
        v, u = places[int(weights[p].argmax())]
        offsets[:, y, x] = v - y, u - x
        for q, (v, u) in enumerate(places):
            for i in range(2 * rate):
                for j in range(2 * rate):
                    source = v * rate + i - b_top, u * rate + j - b_left
                    target = y * rate + i - top, x * rate + j - left
                    if all(0 <= s < m for s, m in zip(source, b.shape, strict=False)) and all(
                        0 <= t < m for t, m in zip(target, f.shape, strict=False)
                    ):
                        out[target] += weights[p, q] * b[source] / 4
    return out, offsets


def plain_attention(foreground, background, hole, **parameters):
    """N C H W tensors in, (features, offsets) tensors out."""
    if hole is None:
        hole = torch.zeros(1, 1, *background.shape[2:], dtype=background.dtype)
    hole = hole.expand(len(foreground), -1, -1, -1)
    samples = [
        attend_one(*(x.permute(1, 2, 0).numpy() for x in sample), **parameters)
        for sample in zip(foreground, background, hole, strict=True)
    ]
    features = torch.stack([torch.from_numpy(out).permute(2, 0, 1) for out, _ in samples])
    return features, torch.stack([torch.from_numpy(offsets) for _, offsets in samples])
