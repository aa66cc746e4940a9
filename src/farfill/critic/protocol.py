"""What a set of critics offers to the adversarial objectives, and the two views of most."""

from collections.abc import Iterator
from typing import Protocol

from torch import Tensor, nn

from farfill.op.spatial import local_patch

#: What each critic looks at, or its scores, by the critic's name.
Views = dict[str, Tensor]


class Critics(Protocol):
    """One or more critics, each with a view of its own on the same pictures.

    Critics may have ``input_gradient(name, view)``, too, the gradient of one critic's summed scores
    with respect to its view: the gradient penalty then takes it instead of differentiating twice.
    """

    def views(self, image: Tensor, box: Tensor) -> Views:
        """Cut what each critic sees out of ``(N, C, H, W)`` pictures or holes."""
        ...

    def __call__(self, views: Views) -> Views:
        """Score every view: raw scores ``(N, 1)`` by critic."""
        ...

    def parameters(self) -> Iterator[nn.Parameter]:
        """All weights, as :class:`torch.nn.Module` has them."""
        ...


class TwoViews(nn.Module):
    """Critics that see the hole's patch, ``local``, and the whole picture, ``global``."""

    def __init__(self, patch_size: int) -> None:
        super().__init__()
        self.patch_size = patch_size

    def views(self, image: Tensor, box: Tensor) -> Views:
        """Cut ``(N, C, H, W)`` pictures or holes into the local patch and the whole."""
        return {
            "local": local_patch(image, box, self.patch_size, self.patch_size),
            "global": image,
        }
