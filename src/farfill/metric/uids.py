"""How often a linear classifier takes completed pictures for true ones, and true for completed."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from farfill.metric.distance import FeatureDistance

FOLDS = 5


class UIDS(FeatureDistance):
    """Unpaired inception discriminative score, Zhao et al. 2021 (arXiv 2103.10428), section 4.

    The share of pictures, true and completed, that a linear support vector machine puts on the
    wrong side: 0.5 where it cannot tell them apart, 0 where it always can. More is better.

    Other than in the paper, whose tens of thousands of pictures make no difference, the machine
    judges pictures that it has not learned from: five parts take turns, each with both versions of
    its pictures and with whole clusters, as a true picture with two holes is there twice. A few
    hundred it could separate by heart. The interval is over the judged pictures, given the
    machines.
    """

    kind = "uids"

    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        """Of each picture's two versions the share on the wrong side; NaN for one cluster."""
        n = len(described)
        groups = np.repeat(clusters or np.arange(n), 2)
        folds = min(FOLDS, len(np.unique(groups)))
        if folds < 2:
            return torch.full((n,), torch.nan)
        # scikit-learn takes a second to import.
        from sklearn.model_selection import GroupKFold, cross_val_predict
        from sklearn.svm import LinearSVC

        true = torch.tensor([False, True]).repeat(n)
        judged = cross_val_predict(
            LinearSVC(dual=False),  # as the authors have it
            described.flatten(0, 1).numpy(),
            true.numpy(),
            groups=groups,
            cv=GroupKFold(folds),
        )
        return (torch.from_numpy(judged) != true).view(n, 2).float().mean(1)
