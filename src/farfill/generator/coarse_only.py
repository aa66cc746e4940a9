"""The coarse stage by itself, to ask whether it should be trained first (section 3)."""

from torch import Tensor

from farfill.generator.two_stage import Generator
from farfill.types import Completion


class CoarseOnly(Generator):
    """Stops after the coarse stage; the refinement is there for ``init_from``, but never used."""

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Do as :meth:`Generator.forward`, but the refined picture is the coarse one.

        That has no graph, so losses on the refined picture are measured but teach nothing.
        """
        coarse, _ = self.predict_coarse(masked_image, hole)
        return Completion(coarse, coarse.detach(), None)
