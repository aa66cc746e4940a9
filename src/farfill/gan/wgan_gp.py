"""Wasserstein critics with gradient penalty, global and local (paper, section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import torch
from torch import Tensor

from farfill.critic.protocol import Critics, Views
from farfill.gan.gradient_penalty import gradient_penalty
from farfill.gan.objective import Objective
from farfill.op.process import share_of, world


class WassersteinGP(Objective):
    r"""Critics minimise :math:`D(\tilde x) - D(x) + \lambda P`, the generator :math:`-D(\tilde x)`.

    Args:
        weight: Of the generator's adversarial term (released: 0.001).
        global_weight: Further factor of the global critic's share in it; the critics' own loss
            does not have it (released: 1.0).
        penalty_weight: Factor of the penalty in the critics' loss (released: 10).
        critic_steps: Updates of the critics per update of the generator (released: 5).
    """

    def __init__(
        self,
        weight: float,
        global_weight: float,
        penalty_weight: float,
        critic_steps: int,
    ) -> None:
        super().__init__(weight, global_weight, critic_steps)
        self.penalty_weight = penalty_weight

    def critic_terms(
        self,
        critics: Critics,
        real: Views,
        fake: Views,
        hole: Views,
        alphas: Mapping[str, Tensor] | None = None,
    ) -> dict[str, Tensor]:
        """Return ``wasserstein_<critic>`` and ``penalty_<critic>`` for every critic.

        Args:
            critics: The critics.
            real: Views of the ground truth.
            fake: Views of the completed pictures, without a graph.
            hole: Views of the holes, 1 = missing.
            alphas: Interpolation weights ``(N, 1, 1, 1)`` by critic; drawn where not given, one
                per picture and critic.
        """
        terms = {}
        scores = critics({name: torch.cat([real[name], fake[name]]) for name in real})
        for name, score in scores.items():
            of_real, of_fake = score.chunk(2)
            terms[f"wasserstein_{name}"] = of_fake.mean() - of_real.mean()
        for name in real:
            alpha = alphas[name] if alphas else _draw_alpha(real[name])
            score_view = partial(_score, critics, name)
            cheaper = getattr(critics, "input_gradient", None)
            gradient_of = partial(cheaper, name) if cheaper else None
            views = (real[name], fake[name], hole[name])
            penalty = gradient_penalty(score_view, *views, alpha, gradient_of)
            terms[f"penalty_{name}"] = self.penalty_weight * penalty
        return terms

    def of_generator(self, score: Tensor) -> Tensor:
        r""":math:`-D(\tilde x)`."""
        return -score


def _score(critics: Critics, name: str, view: Tensor) -> Tensor:
    return critics({name: view})[name]


def _draw_alpha(real: Tensor) -> Tensor:
    """Every process draws for the joint batch, so that all their random states stay the same."""
    joint = len(real) * world()[1]
    return share_of(torch.rand(joint, 1, 1, 1, dtype=real.dtype, device=real.device))
