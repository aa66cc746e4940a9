"""Wasserstein critics with gradient penalty, global and local (paper, section 3.2)."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn

from farfill.critic.protocol import Critics, Views
from farfill.gan.objective import Objective, scores
from farfill.op.runtime import uniform_per_picture


class WassersteinGP(Objective, nn.Module):
    r"""Critics minimise :math:`D(\tilde x) - D(x) + \lambda P`, the generator :math:`-D(\tilde x)`.

    :math:`P` is the :func:`gradient_penalty`.

    Args:
        weight: As in :class:`~farfill.gan.objective.Objective` (released: 0.001).
        global_weight: Likewise (released: 1.0).
        penalty_weight: Factor of the penalty in the critics' loss (released: 10).
        critic_steps: Updates of the critics per update of the generator (released: 5).
        share: As in :class:`~farfill.gan.objective.GAN`.
        penalty_every: n: the critics are penalised in every n-th of their backward passes, n times
            as hard (lazy regularisation, Karras et al. 2020, arXiv 1912.04958, appendix B). The
            count is in the checkpoint. ``None``: in all, the paper's way.

    Raises:
        ValueError: If ``penalty_every`` is below 1, or as of :class:`Objective`.
    """

    def __init__(
        self,
        weight: float,
        global_weight: float,
        penalty_weight: float,
        critic_steps: int,
        share: float | None = None,
        penalty_every: int | None = None,
    ) -> None:
        nn.Module.__init__(self)
        Objective.__init__(self, weight, global_weight, critic_steps, share)
        if penalty_every is not None and penalty_every < 1:
            raise ValueError(
                f"expected `gan.penalty_every` of 1 or more, or null, got {penalty_every}"
            )
        self.penalty_weight = penalty_weight
        self.penalty_every = penalty_every or 1
        if self.penalty_every > 1:
            self.register_buffer("batches", torch.zeros((), dtype=torch.long))

    def critic_terms(
        self,
        critics: Critics,
        real: Views,
        fake: Views,
        hole: Views,
        alphas: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Return ``wasserstein_<critic>`` and ``penalty_<critic>`` for every critic.

        The latter is 0 in batches that are not penalised, else ``penalty_every`` times as large.
        ``alphas`` are interpolation weights ``(N, 1, 1, 1)`` by critic; ``None``: one is drawn per
        picture and critic. The others are as in :meth:`farfill.gan.objective.GAN.critic_terms`.
        """
        terms = {}
        for name, (real_score, fake_score) in scores(critics, real, fake).items():
            terms[f"wasserstein_{name}"] = fake_score.mean() - real_score.mean()
        if not self._is_penalised():
            return terms | {f"penalty_{name}": fake[name].new_zeros(()) for name in real}
        for name in real:
            alpha = alphas[name] if alphas else uniform_per_picture(real[name])
            gradient_of = partial(critics.input_gradient, name)
            penalty = gradient_penalty(gradient_of, real[name], fake[name], hole[name], alpha)
            terms[f"penalty_{name}"] = self.penalty_weight * self.penalty_every * penalty
        return terms

    def generator_loss(self, score: Tensor) -> Tensor:
        r""":math:`-D(\tilde x)`."""
        return -score

    def _is_penalised(self) -> bool:
        """Whether this batch is, the first and then every n-th."""
        if self.penalty_every == 1:
            return True
        batches = cast(Tensor, self.batches)
        batches += 1
        return int(batches) % self.penalty_every == 1


def gradient_penalty(
    gradient_of: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    hole: Tensor,
    alpha: Tensor,
) -> Tensor:
    r"""Penalise a critic whose gradient inside the hole is not of length one (equation 5).

    .. math:: \mathbb{E}\big[(\lVert \nabla_{\hat x} D(\hat x) \odot m \rVert_2 - 1)^2\big],
        \quad \hat x = x + \alpha\,(\tilde x - x)

    Known pixels of a completed picture are copies, so a gradient there says nothing. With
    ``hole = 1`` everywhere this is plain WGAN-GP (Gulrajani et al., 2017).

    Args:
        gradient_of: Maps pictures to the gradient of their scores with respect to them, each
            picture's mean score if it has several; differentiable in the critic's weights.
        real: ``(N, 3, H, W)``.
        fake: ``(N, 3, H, W)``, completed pictures.
        hole: ``(N, 1, H, W)`` or ``(1, 1, H, W)``, 1 = missing.
        alpha: One interpolation weight per picture, ``(N, 1, 1, 1)``.
    """
    between = (real + alpha * (fake - real)).detach()
    length = torch.linalg.vector_norm((gradient_of(between) * hole).flatten(1), dim=1)
    return (length - 1).square().mean()
