"""What every adversarial objective offers, and what most of them share."""

from abc import ABC, abstractmethod
from typing import Protocol

import torch
from torch import Tensor

from farfill.critic.protocol import Critics, Views


class GAN(Protocol):
    """Turns scores into losses for both players.

    Attributes:
        critic_steps: Updates of the critics, each on a fresh batch, before one of the generator;
            0: there is no adversary.
        share: The adversarial share of the gradient that the training is to keep up, see
            :class:`farfill.module.inpainting.Inpainting`; ``None``: the weights are as they are.
    """

    critic_steps: int
    share: float | None

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


class Objective(ABC):
    """Weights the generator's loss by every critic.

    Args:
        weight: Of the generator's adversarial term.
        global_weight: Further factor of the global critic's share in it; the critics' own loss
            does not have it. Critics without a score of their own for the whole picture need 1.
        critic_steps: Updates of the critics per update of the generator, 1 or more.
        share: See :class:`GAN`; with it, ``weight`` counts for the first update only.

    Raises:
        ValueError: If ``share`` does not lie between 0 and 1, or ``critic_steps`` is below 1.
    """

    def __init__(
        self, weight: float, global_weight: float, critic_steps: int, share: float | None = None
    ) -> None:
        if share is not None and not 0 < share < 1:
            raise ValueError(
                f"expected `adversarial_share` above 0 and below 1, or null, got {share}"
            )
        if critic_steps < 1:
            raise ValueError(
                f"expected `critic_steps` of 1 or more, got {critic_steps}; "
                "gan=none trains without critics"
            )
        self.weight = weight
        self.global_weight = global_weight
        self.critic_steps = critic_steps
        self.share = share

    @abstractmethod
    def generator_loss(self, score: Tensor) -> Tensor:
        """What the generator loses by each score of a completed picture; same shape."""

    def generator_terms(self, critics: Critics, fake: Views) -> dict[str, Tensor]:
        """Return ``adversarial_<critic>`` for every critic, weighted."""
        terms = {}
        scored = critics(fake)
        if self.global_weight != 1 and "global" not in scored:
            raise ValueError(
                f"expected `gan.global_weight` of 1, got {self.global_weight}: these critics score "
                f"{' and '.join(scored)}, and nothing the whole picture alone"
            )
        for name, score in scored.items():
            weight = self.weight * (self.global_weight if name == "global" else 1.0)
            terms[f"adversarial_{name}"] = weight * self.generator_loss(score).mean()
        return terms


class PointwiseGAN(Objective):
    """Real and completed pictures enter the critics' loss one by one, without a penalty."""

    @abstractmethod
    def real_loss(self, score: Tensor) -> Tensor:
        """What the critics lose by each score of a real picture; same shape."""

    @abstractmethod
    def fake_loss(self, score: Tensor) -> Tensor:
        """What the critics lose by each score of a completed picture; same shape."""

    def generator_loss(self, score: Tensor) -> Tensor:
        """What the critics would lose by it if it were real."""
        return self.real_loss(score)

    def critic_terms(
        self, critics: Critics, real: Views, fake: Views, hole: Views
    ) -> dict[str, Tensor]:
        """Return ``real_<critic>`` and ``fake_<critic>`` for every critic."""
        terms = {}
        for name, (real_score, fake_score) in scores(critics, real, fake).items():
            terms[f"real_{name}"] = self.real_loss(real_score).mean()
            terms[f"fake_{name}"] = self.fake_loss(fake_score).mean()
        return terms


def scores(critics: Critics, real: Views, fake: Views) -> dict[str, tuple[Tensor, ...]]:
    """By critic, the scores of real and of completed pictures ``(N, S)``, in one pass."""
    joint = critics({name: torch.cat([real[name], fake[name]]) for name in real})
    return {name: score.chunk(2) for name, score in joint.items()}
