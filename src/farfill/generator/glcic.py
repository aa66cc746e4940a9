"""The completion network of GLCIC, a baseline of the paper: one stage, no attention."""

import torch
from torch import Tensor, nn

from farfill.generator.two_stage import check_channels, check_shapes
from farfill.types import Completion


class GLCIC(nn.Module):
    """One-stage generator of *Globally and Locally Consistent Image Completion*.

    Iizuka, Simo-Serra, Ishikawa, SIGGRAPH 2017, table 1. Every layer but the last is followed by
    batch normalisation and ReLU. The output is the paper's sigmoid stretched to ``[-1, 1]``, and
    missing pixels come in as 0 where the paper has the data's mean colour.

    *Batch normalisation* takes the batch's own statistics while training, in the critics' turns
    too: those run the generator without a graph, so only its running means move. Validation,
    checkpoints and inpainting use the running means, where pictures do not influence each other.

    Args:
        channels: Width of the first layer (an even number; the paper's 64).

    Raises:
        ValueError: If ``channels`` is not a positive even number.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        check_channels(channels)
        middle, wide = 2 * channels, 4 * channels
        self.layers = nn.Sequential(
            _layer(4, channels, kernel=5),  # a picture and the hole
            _layer(channels, middle, stride=2),
            _layer(middle, middle),
            _layer(middle, wide, stride=2),
            *(_layer(wide, wide, dilation=dilation) for dilation in (1, 1, 2, 4, 8, 16, 1, 1)),
            _doubled(wide, middle),
            _layer(middle, middle),
            _doubled(middle, channels),
            _layer(channels, channels // 2),
            nn.Conv2d(channels // 2, 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Predict the whole picture; coarse and refined are the same.

        Arguments and errors as of :meth:`farfill.generator.two_stage.Generator.forward`.
        """
        check_shapes(masked_image, hole)
        hole = hole.to(masked_image.dtype).expand(len(masked_image), -1, -1, -1)
        output = self.layers(torch.cat([masked_image, hole], dim=1))
        return Completion(output, output, None)


def _layer(
    in_channels: int, out_channels: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Sequential:
    padding = dilation * (kernel // 2)
    return _normalised(
        nn.Conv2d(in_channels, out_channels, kernel, stride, padding, dilation, bias=False)
    )


def _doubled(in_channels: int, out_channels: int) -> nn.Sequential:
    return _normalised(nn.ConvTranspose2d(in_channels, out_channels, 4, 2, 1, bias=False))


def _normalised(convolution: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    # The normalisation subtracts the mean, and with it any bias of the convolution.
    return nn.Sequential(
        convolution, nn.BatchNorm2d(convolution.out_channels), nn.ReLU(inplace=True)
    )
