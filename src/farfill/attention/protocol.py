"""What every attention layer offers, and what it demands of its inputs."""

from typing import Protocol

from torch import Tensor, nn

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
    if hole is not None and (hole.shape[1:] != (1, height, width) or hole.shape[0] not in (n, 1)):
        raise ValueError(
            f"expected a hole of shape ({n} or 1, 1, {height}, {width}) like the background, "
            f"got {tuple(hole.shape)}"
        )
    if one_size and foreground.shape != background.shape:
        raise ValueError(
            "expected foreground and background of one size, got "
            f"{foreground.shape[2]} x {foreground.shape[3]} and {height} x {width}"
        )


class PatchAttention(nn.Module):
    """The numbers of :class:`~farfill.attention.contextual.ContextualAttention`, which names them.

    Raises:
        ValueError: If one is out of its range.
    """

    def __init__(
        self,
        patch_size: int = 3,
        rate: int = 2,
        stride: int = 1,
        propagation: int | None = 3,
        softmax_scale: float = 10.0,
    ) -> None:
        super().__init__()
        for name, value in {"patch_size": patch_size, "rate": rate, "stride": stride}.items():
            if value < 1:
                raise ValueError(f"expected `{name}` to be at least 1, got {value}")
        if propagation is not None and (propagation < 1 or propagation % 2 == 0):
            raise ValueError(f"expected `propagation` to be odd or None, got {propagation}")
        self.patch_size = patch_size
        self.rate = rate
        self.stride = stride
        self.propagation = propagation
        self.softmax_scale = softmax_scale
