"""Inception v3 as papers' FID has it, for distances alone: it hands no gradients to the picture."""

from torch import Tensor, nn

from farfill.backbone.frozen import Frozen
from farfill.files import expanded


class Inception(Frozen):
    """torch-fidelity's port of TensorFlow's network, through torchmetrics: 2048 features.

    Pictures are rounded to whole grey levels and resized to 299 pixels.

    Args:
        weights: torch-fidelity's file, ``pt_inception-2015-12-05-6726825d.pth``. ``None``: it
            downloads its own.
    """

    name = "inception"

    def __init__(self, weights: str | None) -> None:
        from torchmetrics.image import fid

        path = None if weights is None else expanded(weights)
        if path is not None and not path.is_file():
            raise ValueError(f"expected Inception's `weights` to be a file, but {path} is none")
        try:
            network = fid.NoTrainInceptionV3(
                "inception-v3-compat", ["2048"], None if path is None else str(path)
            )
        except ModuleNotFoundError as error:
            raise ValueError(
                "Inception needs a package: pip install torch-fidelity; without it there is "
                "metric=perceptual, in other features"
            ) from error
        levels = (1 / 255,) * 3  # Frozen then hands over 0 to 255
        super().__init__({"pool": _Bytes(network)}, ["pool"], (0.0,) * 3, levels)


class _Bytes(nn.Module):
    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> Tensor:
        features: Tensor = self.network(image.round().clamp(0, 255).byte())
        return features[..., None, None]
