"""What every attention layer offers, and what it demands of its inputs."""

from typing import Protocol

from torch import Tensor

from farfill.types import AttentionResult


class Attention(Protocol):
    """Rebuilds the features of the hole from those of the known region; a ``torch.nn.Module``."""

    def __call__(
        self, foreground: Tensor, background: Tensor, hole: Tensor | None
    ) -> AttentionResult:
        """Borrow from ``background`` for every position of ``foreground``.

        Args:
            foreground: ``(N, C, H, W)``, the features to rebuild.
            background: ``(N, C, H', W')``, the features to borrow from.
            hole: ``(N, 1, H', W')`` or ``(1, 1, H', W')``, 1 = missing; ``None``: nothing is.
        """
        ...


def check_features(
    foreground: Tensor, background: Tensor, hole: Tensor | None, one_size: bool = False
) -> None:
    """Refuse with a ``ValueError`` what :class:`Attention` does not take.

    With ``one_size``, both maps have to have the same height and width.
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
    if one_size and foreground.shape != background.shape:
        raise ValueError(
            "expected foreground and background of one size, got "
            f"{foreground.shape[2]} x {foreground.shape[3]} and {height} x {width}"
        )
