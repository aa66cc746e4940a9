"""The coarse stage by itself, to ask whether it should be trained first (section 3)."""

from torch import Tensor

from farfill.generator.two_stage import Generator
from farfill.types import Completion


class CoarseOnly(Generator):
    """Stops after the coarse stage.

    It has the refinement's parameters too, so that its checkpoints start a whole generator
    (``init_from``), but never uses them.
    """

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Predict the coarse picture, and give it out as the refined one, without a graph.

        So every loss on the refined picture, the adversarial ones among them, is measured but
        teaches nothing. Arguments and errors as :meth:`Generator.forward`.
        """
        coarse, _ = self.predict_coarse(masked_image, hole)
        return Completion(coarse, coarse.detach(), None)
