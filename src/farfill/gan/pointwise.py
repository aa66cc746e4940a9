"""What objectives share that judge every score by itself."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from farfill.critic.protocol import Critics, Views
from farfill.gan.objective import Objective


class PointwiseGAN(Objective):
    """Real and completed pictures enter the critics' loss one by one, without a penalty."""

    @abstractmethod
    def of_real(self, score: Tensor) -> Tensor:
        """What the critics lose by each score of a real picture; same shape."""

    @abstractmethod
    def of_fake(self, score: Tensor) -> Tensor:
        """What the critics lose by each score of a completed picture; same shape."""

    def critic_terms(
        self, critics: Critics, real: Views, fake: Views, hole: Views
    ) -> dict[str, Tensor]:
        """Return ``real_<critic>`` and ``fake_<critic>`` for every critic."""
        terms = {}
        scores = critics({name: torch.cat([real[name], fake[name]]) for name in real})
        for name, score in scores.items():
            of_real, of_fake = score.chunk(2)
            terms[f"real_{name}"] = self.of_real(of_real).mean()
            terms[f"fake_{name}"] = self.of_fake(of_fake).mean()
        return terms
