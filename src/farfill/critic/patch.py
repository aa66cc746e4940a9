"""DeepFill v2's critic: one network that scores many patches of the picture."""

from itertools import pairwise

from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from farfill.critic.protocol import Views, by_autograd
from farfill.layer.convolution import SameConv2d


class Patch(nn.Module):
    """SN-PatchGAN (Yu et al., ICCV 2019, arXiv 1806.03589, section 3.3). Not in the paper.

    Convolutions with kernel 5 and stride 2, each with spectral normalisation, and leaky ReLU 0.2
    between them. Every number of the last map is a score, of what its own receptive field shows;
    with six layers that is 253 px wide, with four 61 px. There is no linear layer, so pictures of
    any size are scored, and holes of any shape and number. That paper's critic is given the hole
    as a fourth channel; this one sees the picture alone, as the others do here.

    Args:
        channels: Width of the first layer (64 in that paper), doubled twice.
        depth: Layers (6 in that paper), 1 or more.

    Raises:
        ValueError: If ``depth`` is below 1.
    """

    def __init__(self, channels: int, depth: int) -> None:
        super().__init__()
        if depth < 1:
            raise ValueError(f"expected `critic.depth` of 1 or more, got {depth}")
        layers: list[nn.Module] = []
        for before, width in pairwise([3, *(channels * min(2**k, 4) for k in range(depth))]):
            layers += [spectral_norm(SameConv2d(before, width, 5, stride=2)), nn.LeakyReLU(0.2)]
        self.network = nn.Sequential(*layers[:-1])

    def views(self, image: Tensor, box: Tensor) -> Views:
        """Look at the whole ``(N, C, H, W)`` pictures or holes."""
        return {"patch": image}

    def forward(self, views: Views) -> Views:
        """Score patches: ``(N, S)`` with S the size of the last map, in the view's type."""
        return {name: self.network(view).flatten(1).to(view) for name, view in views.items()}

    def input_gradient(self, name: str, view: Tensor) -> Tensor:
        """Gradient of each picture's mean score, which is what objectives use of the scores."""
        return by_autograd(lambda picture: self({name: picture})[name].mean(dim=1), view)
