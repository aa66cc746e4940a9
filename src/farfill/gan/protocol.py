"""What every adversarial objective offers."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from farfill.critic.protocol import Critics, Views


class GAN(Protocol):
    """Turns scores into losses for both players.

    Attributes:
        critic_steps: Updates of the critics, each on a fresh batch, before one of the generator.
    """

    critic_steps: int

    def critic_terms(
        self, critics: Critics, real: Views, fake: Views, hole: Views
    ) -> dict[str, Tensor]:
        """Named scalars, already weighted, whose sum the critics minimise.

        Args:
            critics: The critics.
            real: Views of the ground truth.
            fake: Views of the completed pictures, without a graph.
            hole: Views of the holes, 1 = missing.
        """
        ...

    def generator_terms(self, critics: Critics, fake: Views) -> dict[str, Tensor]:
        """Named scalars, already weighted, that the generator minimises."""
        ...
