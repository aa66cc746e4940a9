"""Perceptual distance of single pictures in the features of a pretrained network."""

from collections.abc import Sequence
from importlib.resources import as_file, files

import torch
from torch import Tensor

from farfill.backbone.frozen import Frozen
from farfill.types import Batch

#: What torchmetrics' learned weights belong to.
VGG16_LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")


class LPIPS:
    r"""Zhang et al. 2018 (arXiv 1801.03924), equation 1, of whole pictures.

    .. math:: \sum_l \frac{1}{H_l W_l} \sum_{h,w} \sum_c w_{lc} (\hat a_{lchw} - \hat b_{lchw})^2

    of features :math:`\hat a, \hat b` whose channels have the norm 1 at every place. With VGG16,
    :math:`w` is learned, from the file that torchmetrics comes with, and the distance is that of
    papers. No other network of ours has learned weights: there :math:`w = 1`, and the distance
    compares with that network's own alone.

    torchmetrics' ``LearnedPerceptualImagePatchSimilarity`` takes the three networks of torchvision
    by name, and downloads them: neither a file nor another network. With VGG16 it agrees (tested).

    Args:
        backbone: VGG16 with the layers :data:`VGG16_LAYERS`, or another network with any layers.

    Raises:
        ValueError: If it is VGG16 with other layers.
    """

    def __init__(self, backbone: Frozen) -> None:
        self.backbone = backbone
        self.name = f"lpips_{backbone.name}"
        self.weights = [torch.ones(())] * len(backbone.chosen)
        if backbone.name == "vgg16":
            if backbone.chosen != {*VGG16_LAYERS}:
                raise ValueError(
                    f"LPIPS of VGG16 has learned weights for {', '.join(VGG16_LAYERS)} alone: "
                    f"expected these as its backbone's `layers`, got "
                    f"{', '.join(sorted(backbone.chosen))}"
                )
            source = files("torchmetrics.functional.image") / "lpips_models" / "vgg.pth"
            with as_file(source) as path:
                state = torch.load(path, map_location="cpu", weights_only=True)
            self.weights = [state[f"lin{n}.model.1.weight"] for n in range(len(VGG16_LAYERS))]

    def describe(self, completed: Tensor, batch: Batch) -> Tensor:
        """Distances of the pictures, ``(N,)``."""
        pairs = zip(self.backbone(completed), self.backbone(batch.image), strict=True)
        layers = [
            ((_unit(ours) - _unit(true)).square() * weight.to(ours)).sum(1).mean((1, 2))
            for (ours, true), weight in zip(pairs, self.weights, strict=True)
        ]
        return torch.stack(layers).sum(0)

    def values(self, described: Tensor, clusters: Sequence[str] = ()) -> Tensor:
        """The same."""
        return described


def _unit(features: Tensor) -> Tensor:
    return features * (features.square().sum(1, keepdim=True) + 1e-8).rsqrt()
