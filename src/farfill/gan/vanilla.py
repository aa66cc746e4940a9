"""The first adversarial objective, as DCGAN trains it."""

import torch.nn.functional as F
from torch import Tensor

from farfill.gan.objective import PointwiseGAN


class Vanilla(PointwiseGAN):
    r"""Critics tell real from completed pictures by the cross-entropy of :math:`\sigma(D)`.

    Goodfellow et al. 2014 (arXiv 1406.2661) with the non-saturating generator loss that they
    advise and DCGAN (arXiv 1511.06434) uses. The paper reports that it collapses at times.
    """

    def real_loss(self, score: Tensor) -> Tensor:
        r""":math:`-\log \sigma(D(x))`."""
        return F.softplus(-score)

    def fake_loss(self, score: Tensor) -> Tensor:
        r""":math:`-\log(1 - \sigma(D(\tilde x)))`."""
        return F.softplus(score)
