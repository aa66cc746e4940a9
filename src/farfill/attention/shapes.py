"""What attentions demand of their inputs."""

from __future__ import annotations

from torch import Tensor


def check_sizes(foreground: Tensor, background: Tensor) -> None:
    """Refuse maps of two sizes, where an attention cannot tell which position is which.

    Raises:
        ValueError: If so.
    """
    (height, width), (rows, columns) = foreground.shape[-2:], background.shape[-2:]
    if (height, width) != (rows, columns):
        raise ValueError(
            "expected foreground and background of one size, "
            f"got {height} x {width} and {rows} x {columns}"
        )


def check_shapes(foreground: Tensor, background: Tensor, hole: Tensor | None) -> None:
    """Refuse maps and holes that do not fit each other.

    Args:
        foreground: To be ``(N, C, H, W)``.
        background: To be ``(N, C, H', W')``.
        hole: To be ``(N, 1, H', W')``, ``(1, 1, H', W')`` or ``None``.

    Raises:
        ValueError: If they do not.
    """
    if foreground.shape[:2] != background.shape[:2]:
        raise ValueError(
            "expected foreground and background with the same batch and channels, "
            f"got {tuple(foreground.shape)} and {tuple(background.shape)}"
        )
    n, _, height, width = background.shape
    if hole is not None and tuple(hole.shape) not in {(n, 1, height, width), (1, 1, height, width)}:
        raise ValueError(
            f"expected a hole of shape ({n} or 1, 1, {height}, {width}) like the background, "
            f"got {tuple(hole.shape)}"
        )
