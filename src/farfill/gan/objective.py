"""What all adversarial objectives share: the generator's side."""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from farfill.critic.protocol import Critics, Views


class Objective(ABC):
    """Weights the generator's loss by every critic.

    Args:
        weight: Of the generator's adversarial term.
        global_weight: Further factor of the global critic's share in it; the critics' own loss
            does not have it.
        critic_steps: Updates of the critics per update of the generator.
    """

    def __init__(self, weight: float, global_weight: float, critic_steps: int) -> None:
        self.weight = weight
        self.global_weight = global_weight
        self.critic_steps = critic_steps

    @abstractmethod
    def of_generator(self, score: Tensor) -> Tensor:
        """What the generator loses by each score of a completed picture; same shape."""

    def generator_terms(self, critics: Critics, fake: Views) -> dict[str, Tensor]:
        """Return ``adversarial_<critic>`` for every critic, weighted."""
        return {
            f"adversarial_{name}": self._weight(name) * self.of_generator(score).mean()
            for name, score in critics(fake).items()
        }

    def _weight(self, critic: str) -> float:
        return self.weight * (self.global_weight if critic == "global" else 1.0)
