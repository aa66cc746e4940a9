"""No adversary: reconstruction alone."""

from torch import Tensor

from farfill.critic.protocol import Critics, Views


class NoGAN:
    """The critics are never updated and never asked."""

    critic_steps = 0
    share = None

    def critic_terms(
        self, critics: Critics, real: Views, fake: Views, hole: Views
    ) -> dict[str, Tensor]:
        """Return no term."""
        return {}

    def generator_terms(self, critics: Critics, fake: Views) -> dict[str, Tensor]:
        """Return no term."""
        return {}
