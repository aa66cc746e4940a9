"""GLCIC's critic: it looks at the hole's patch and at the picture, and gives one score."""

from itertools import pairwise

import torch
from torch import nn

from farfill.critic.protocol import TwoViews, Views
from farfill.layer.convolution import SameConv2d


class Joint(TwoViews):
    """Local and global network whose features are joined before the one score.

    Iizuka et al., SIGGRAPH 2017, table 2: five (local) and six (global) convolutions with kernel 5
    and stride 2, ReLU, a linear layer to 16 x ``channels`` features each, and one linear score of
    both. The score is raw: an objective that wants a probability applies the sigmoid itself.

    There is no batch normalisation, which that paper has: objectives score real and completed
    pictures together in the critic's turn and completed ones alone in the generator's, so its
    statistics would differ between the two.

    It needs an objective that scores all views at once: ``gan=vanilla``, ``lsgan`` or ``hinge``.
    The penalty of ``gan=wgan_gp`` scores each view alone, which is refused.

    Args:
        channels: Width of the first layer (the paper's 64).
        image_size: Side of the pictures in pixels.
        patch_size: Side of the local patch in pixels.
    """

    def __init__(self, channels: int, image_size: int, patch_size: int) -> None:
        super().__init__(patch_size)
        features = 16 * channels
        widths = [channels * k for k in (1, 2, 4, 8, 8, 8)]
        self.networks = nn.ModuleDict(
            {
                "local": _network(widths[:-1], patch_size, features),
                "global": _network(widths, image_size, features),
            }
        )
        self.score = nn.Linear(2 * features, 1)

    def forward(self, views: Views) -> Views:
        """Score both views together: ``{"joint": (N, 1)}``; one alone is refused."""
        if set(views) != set(self.networks):
            raise ValueError(
                f"expected the joint critic to be given {sorted(self.networks)} together, got "
                f"{sorted(views)}; choose an objective without a penalty of each view "
                "(gan=vanilla) or critic=local_global"
            )
        features = [network(views[name]) for name, network in self.networks.items()]
        return {"joint": self.score(torch.cat(features, dim=1)).to(views["global"])}


def _network(widths: list[int], size: int, features: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before, width in pairwise([3, *widths]):
        layers += [SameConv2d(before, width, 5, stride=2), nn.ReLU()]
        size = -(-size // 2)
    return nn.Sequential(
        *layers, nn.Flatten(), nn.Linear(widths[-1] * size * size, features), nn.ReLU()
    )
