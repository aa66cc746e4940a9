"""What critics share that see the hole's patch and the whole picture."""

from __future__ import annotations

from torch import Tensor, nn

from farfill.critic.protocol import Views
from farfill.op.crop import local_patch


class TwoViews(nn.Module):
    """Has the views ``local`` and ``global``.

    Args:
        patch_size: Side of the local patch in pixels.
    """

    def __init__(self, patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size

    def views(self, image: Tensor, box: Tensor) -> Views:
        """Cut ``(N, C, H, W)`` pictures or holes into the local patch and the whole."""
        return {
            "local": local_patch(image, box, self.patch_size, self.patch_size),
            "global": image,
        }
