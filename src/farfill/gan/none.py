"""No adversary: reconstruction alone."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from farfill.critic.protocol import Critics, Views


class NoGAN:
    """The critics are never updated and never asked.

    Args:
        betas: Of the generator's Adam.
    """

    critic_steps = 0

    def __init__(self, betas: Sequence[float]) -> None:
        self.betas = tuple(betas)

    def critic_terms(
        self, critics: Critics, real: Views, fake: Views, hole: Views
    ) -> dict[str, Tensor]:
        """Return no term."""
        return {}

    def generator_terms(self, critics: Critics, fake: Views) -> dict[str, Tensor]:
        """Return no term."""
        return {}
