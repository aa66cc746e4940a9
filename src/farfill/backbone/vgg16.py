"""VGG16, the usual backbone of perceptual and style losses."""

import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from farfill.backbone.frozen import Frozen
from farfill.files import expanded

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


class VGG16(Frozen):
    """The convolutions of Simonyan and Zisserman 2014 (arXiv 1409.1556), configuration D.

    Args:
        layers: Of ``conv1_1``, ``relu1_1`` ... ``conv5_3``, ``relu5_3``, ``pool1`` ... ``pool5``.
        weights: File with torchvision's state dictionary of VGG16; only tensors are read from it.
            ``None``: torchvision's own, which it downloads.
    """

    name = "vgg16"

    def __init__(self, layers: Sequence[str], weights: str | None) -> None:
        state = _torchvision() if weights is None else _read(expanded(weights))
        parts: dict[str, nn.Module] = {}
        channels = 3
        for stage, widths in enumerate(_WIDTHS, 1):
            for number, width in enumerate(widths, 1):
                parts[f"conv{stage}_{number}"] = nn.Conv2d(channels, width, 3, padding=1)
                parts[f"relu{stage}_{number}"] = nn.ReLU()
                channels = width
            parts[f"pool{stage}"] = nn.MaxPool2d(2)
        network = nn.Sequential(*parts.values())  # its parameters have torchvision's numbers
        values = {name: state.get(f"features.{name}") for name in network.state_dict()}
        for name, parameter in network.state_dict().items():
            value, expected = values[name], tuple(parameter.shape)
            got = tuple(value.shape) if isinstance(value, Tensor) else "nothing"
            if got != expected:
                raise ValueError(
                    f"{weights} does not hold torchvision's VGG16: expected features.{name} "
                    f"of shape {expected}, got {got}"
                )
        network.load_state_dict(values)
        # Those of ImageNet.
        super().__init__(parts, layers, (0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def _read(path: Path) -> Mapping[str, Tensor]:
    if not path.is_file():
        raise ValueError(f"expected `backbone.weights` to be a file, but {path} is none")
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError, OSError) as error:
        raise ValueError(f"cannot read the weights {path}: damaged, or no weights") from error
    if not isinstance(state, Mapping):
        raise ValueError(f"{path} does not hold torchvision's VGG16: expected a state dictionary")
    return state


def _torchvision() -> Mapping[str, Tensor]:
    try:
        from torchvision.models import VGG16_Weights
    except (ImportError, RuntimeError) as error:  # it also fails beside a torch of another kind
        raise ValueError(
            "backbone=vgg16 needs weights: give backbone.weights=vgg16.pth (torchvision's file), "
            "install torchvision, or use backbone=efficientnet_lite0"
        ) from error
    return VGG16_Weights.IMAGENET1K_V1.get_state_dict(progress=True)
