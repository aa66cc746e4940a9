"""A pretrained network that is only ever looked through."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from farfill.op.runtime import full_precision


class Frozen:
    """Runs named layers one after another and hands out the chosen ones' outputs, in float32.

    It is no module on purpose: its weights belong neither into checkpoints nor to an optimiser.

    Attributes:
        name: Of the network, as distances in its features are called.

    Args:
        layers: The network, layer by layer.
        chosen: Names of layers whose outputs are wanted; later layers are dropped.
        mean: Of the pictures the network was trained on, in ``[0, 1]``, by channel.
        deviation: Likewise, the standard deviation.
    """

    name: str

    def __init__(
        self,
        layers: Mapping[str, nn.Module],
        chosen: Sequence[str],
        mean: Sequence[float],
        deviation: Sequence[float],
    ) -> None:
        if not chosen or not layers.keys() >= set(chosen):
            raise ValueError(
                f"expected `backbone.layers` to name some of {', '.join(layers)}; "
                f"got {', '.join(chosen) or 'nothing'}"
            )
        names = list(layers)
        last = max(map(names.index, chosen))
        self.chosen = set(chosen)
        self.layers = nn.ModuleDict({name: layers[name] for name in names[: last + 1]})
        self.layers.eval().requires_grad_(False)
        self.mean, self.deviation = (torch.tensor(x).view(1, -1, 1, 1) for x in (mean, deviation))

    def __call__(self, image: Tensor) -> list[Tensor]:
        """Features ``(N, C, h, w)``, shallow to deep, of ``(N, 3, H, W)`` in ``[-1, 1]``."""
        self.layers.to(image.device)
        mean, deviation = self.mean.to(image.device), self.deviation.to(image.device)
        outputs = []
        with full_precision(image):
            features = ((image.float() + 1) / 2 - mean) / deviation
            for name, layer in self.layers.items():
                features = layer(features)
                if name in self.chosen:
                    outputs.append(features)
        return outputs
