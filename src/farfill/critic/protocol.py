"""What a set of critics offers to the adversarial objectives, and the two views of most."""

from collections.abc import Callable, Iterator
from typing import Protocol

import torch
from torch import Tensor, nn

from farfill.op.spatial import local_patch

#: What each critic looks at, or its scores, by the critic's name.
Views = dict[str, Tensor]


class Critics(Protocol):
    """One or more critics, each with a view of its own on the same pictures."""

    def views(self, image: Tensor, box: Tensor) -> Views:
        """Cut what each critic sees out of ``(N, C, H, W)`` pictures or holes."""
        ...

    def __call__(self, views: Views) -> Views:
        """Score every view: raw scores ``(N, S)`` by critic, S of each picture, often one."""
        ...

    def input_gradient(self, name: str, view: Tensor) -> Tensor:
        """Gradient of one critic's scores with respect to its view, as the penalty needs it.

        A critic with more scores than one per picture takes their mean. It is differentiable in
        the weights; :func:`by_autograd` suits any critic.
        """
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

    def input_gradient(self, name: str, view: Tensor) -> Tensor:
        """Differentiate one critic by autograd; critics that know a cheaper way override it."""
        return by_autograd(lambda picture: self({name: picture})[name], view)


def by_autograd(score: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    """Gradient of the summed scores with respect to ``picture``, with a graph of its own."""
    picture.requires_grad_()
    (gradient,) = torch.autograd.grad(score(picture).sum(), picture, create_graph=True)
    return gradient
