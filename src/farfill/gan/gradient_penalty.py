"""The gradient penalty of WGAN-GP, restricted to the hole (paper, equation 5)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gradient_penalty(
    score: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    hole: Tensor,
    alpha: Tensor,
    gradient_of: Callable[[Tensor], Tensor] | None = None,
) -> Tensor:
    r"""Penalise a critic whose gradient inside the hole is not of length one.

    .. math:: \mathbb{E}\big[(\lVert \nabla_{\hat x} D(\hat x) \odot m \rVert_2 - 1)^2\big],
        \quad \hat x = x + \alpha\,(\tilde x - x)

    Known pixels of a completed picture are copies, so a gradient there says nothing. With
    ``hole = 1`` everywhere this is plain WGAN-GP (Gulrajani et al., 2017).

    Args:
        score: Maps pictures to raw scores, one or more per picture.
        real: ``(N, 3, H, W)``.
        fake: ``(N, 3, H, W)``, completed pictures.
        hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing.
        alpha: One interpolation weight per picture, ``(N, 1, 1, 1)``.
        gradient_of: Maps pictures to the gradient of their summed scores, where the critic knows
            a cheaper way than differentiating ``score`` twice.

    Returns:
        Unweighted mean over the batch.
    """
    between = (real + alpha * (fake - real)).detach()
    gradient = gradient_of(between) if gradient_of else _by_autograd(score, between)
    length = torch.linalg.vector_norm((gradient * hole).flatten(1), dim=1)
    return (length - 1).square().mean()


def _by_autograd(score: Callable[[Tensor], Tensor], picture: Tensor) -> Tensor:
    picture.requires_grad_()
    (gradient,) = torch.autograd.grad(score(picture).sum(), picture, create_graph=True)
    return gradient
