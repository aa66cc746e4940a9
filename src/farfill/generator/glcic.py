"""The completion network of GLCIC, a baseline of the paper: one stage, no attention."""

import torch
from torch import Tensor, nn

from farfill.generator.pretrained import Pretrained
from farfill.generator.two_stage import check_channels, check_shapes
from farfill.types import Completion


class GLCIC(Pretrained):
    """One-stage generator of *Globally and Locally Consistent Image Completion*.

    Iizuka, Simo-Serra, Ishikawa, SIGGRAPH 2017, table 1. Every layer but the last is followed by
    batch normalisation and ReLU. The output is the paper's sigmoid stretched to ``[-1, 1]``, and
    missing pixels come in as 0 where the paper has the data's mean colour.

    While training, batch normalisation takes the batch's own statistics, and its running means
    move in the critics' turns too; validation and inpainting use the running means.

    Args:
        channels: Width of the first layer (a positive even number; the paper's 64).
        widen: Factor of it, rounded to an even width. 1.5 has 95 % of the parameters of the
            two-stage generator with contextual attention and these ``channels``: 3,416,379 for 32.

    Raises:
        ValueError: If ``channels`` is not a positive even number, or ``widen`` not positive.
    """

    def __init__(self, channels: int, widen: float = 1.0) -> None:
        super().__init__()
        check_channels(channels)
        if not widen > 0:
            raise ValueError(f"expected `widen` above 0, got {widen}")
        self.channels, self.widen = channels, widen
        channels = max(2, 2 * round(channels * widen / 2))
        middle, wide = 2 * channels, 4 * channels
        # No bias: the normalisation would subtract it with the mean.
        hidden = [
            nn.Conv2d(4, channels, 5, padding=2, bias=False),  # a picture and the hole
            nn.Conv2d(channels, middle, 3, 2, 1, bias=False),
            nn.Conv2d(middle, middle, 3, padding=1, bias=False),
            nn.Conv2d(middle, wide, 3, 2, 1, bias=False),
            *(nn.Conv2d(wide, wide, 3, 1, d, d, bias=False) for d in (1, 1, 2, 4, 8, 16, 1, 1)),
            nn.ConvTranspose2d(wide, middle, 4, 2, 1, bias=False),
            nn.Conv2d(middle, middle, 3, padding=1, bias=False),
            nn.ConvTranspose2d(middle, channels, 4, 2, 1, bias=False),
            nn.Conv2d(channels, channels // 2, 3, padding=1, bias=False),
        ]
        self.layers = nn.Sequential(
            *(nn.Sequential(x, nn.BatchNorm2d(x.out_channels), nn.ReLU(True)) for x in hidden),
            nn.Conv2d(channels // 2, 3, 3, padding=1),
            nn.Tanh(),
        )

    def forward(self, masked_image: Tensor, hole: Tensor) -> Completion:
        """Predict the whole picture; coarse and refined are the same.

        Arguments and errors as of :meth:`farfill.generator.two_stage.Generator.forward`.
        """
        check_shapes(masked_image, hole)
        hole = hole.to(masked_image.dtype).expand(masked_image.shape[0], -1, -1, -1)
        output = self.layers(torch.cat([masked_image, hole], dim=1))
        return Completion(output, output, None)
