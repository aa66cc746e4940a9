"""Fréchet distance of all completed pictures from all true ones, in the features of a network."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchmetrics.image.fid import FrechetInceptionDistance

from farfill.metric.distance import FeatureDistance


class FID(FeatureDistance):
    r"""Heusel et al. 2017 (arXiv 1706.08500), as torchmetrics computes it, of whole pictures.

    .. math:: |\mu - \mu'|^2 + \mathrm{tr}\big(\Sigma + \Sigma' - 2 (\Sigma \Sigma')^{1/2}\big)

    It falls with the number of pictures even where nothing else changes: compare at equal numbers.
    With Inception it is the distance of papers, with another network it compares with that
    network's own alone.
    """

    kind = "fid"

    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        r"""Shares of the pictures (:func:`farfill.metric.distance.shares`); NaN for one picture.

        With :math:`a_i, b_i` the centred features over :math:`\sqrt{n - 1}`, the rows of
        :math:`A, B`, the trace of the root is the sum of the singular values of
        :math:`A B^\top = U S V^\top`. Picture :math:`i` adds
        :math:`\frac12 \sum_k S_k (U_{ik}^2 + V_{ik}^2)` to it.
        """
        n = len(described)
        if n < 2:
            return torch.full((n,), torch.nan)
        features = described.double()
        centred = (features - features.mean(0)) / (n - 1) ** 0.5
        (q, r), (other_q, other_r) = (torch.linalg.qr(x) for x in centred.unbind(1))
        u, s, vt = torch.linalg.svd(r @ other_r.T)
        root = (((q @ u).square() + (other_q @ vt.T).square()) @ s) / 2
        gap = features[:, 0] - features[:, 1]
        parts = n * (centred.square().sum((1, 2)) - 2 * root) + 2 * gap @ gap.mean(0)
        return (parts - parts.mean() + frechet(*features.unbind(1))).float()


def frechet(completed: Tensor, true: Tensor) -> Tensor:
    """Distance by torchmetrics of features ``(n, D)`` and ``(m, D)``, two pictures each or more."""
    metric = FrechetInceptionDistance(_Given(completed.shape[1]))
    metric.update(true, real=True)
    metric.update(completed, real=False)
    return metric.compute()


class _Given(nn.Module):
    """The features are there already."""

    def __init__(self, num_features: int) -> None:
        super().__init__()
        self.num_features = num_features

    def forward(self, features: Tensor) -> Tensor:
        return features
