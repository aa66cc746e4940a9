"""What every generator demands of its inputs."""

from __future__ import annotations

from torch import Tensor


def check_channels(channels: int) -> None:
    """Refuse a width that cannot be halved, as the last layers do.

    Raises:
        ValueError: If ``channels`` is not a positive even number.
    """
    if channels < 2 or channels % 2:
        raise ValueError(f"expected `channels` to be a positive even number, got {channels}")


def check_shapes(masked_image: Tensor, hole: Tensor) -> None:
    """Refuse inputs of a generator that halves its resolution twice.

    Args:
        masked_image: To be ``(N, 3, H, W)``.
        hole: To be ``(N, 1, H, W)`` or ``(1, 1, H, W)``.

    Raises:
        ValueError: If the shapes do not fit or a side is not a multiple of 4.
    """
    if masked_image.ndim != 4 or masked_image.shape[1] != 3:
        raise ValueError(f"expected pictures (N, 3, H, W), got {tuple(masked_image.shape)}")
    n, _, height, width = masked_image.shape
    if tuple(hole.shape) not in {(n, 1, height, width), (1, 1, height, width)}:
        raise ValueError(
            f"expected a hole ({n} or 1, 1, {height}, {width}) like the pictures, "
            f"got {tuple(hole.shape)}"
        )
    if height % 4 or width % 4:
        raise ValueError(
            f"expected sides that are multiples of 4, got {height} x {width}; pad the picture "
            "(`python src/inpaint.py` does it for any size)"
        )
