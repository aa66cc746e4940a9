"""A picture as levels of detail."""

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

SMALLEST = 16  # least side of a level


def laplacian_pyramid(image: Tensor) -> list[Tensor]:
    """Burt and Adelson 1983: what each halving loses of ``(N, C, H, W)``, and what remains.

    The last level is the first whose shorter side is below 32.
    """
    levels = [image]
    while min(levels[-1].shape[-2:]) >= 2 * SMALLEST:
        finer = levels[-1]
        coarser = _smooth(finer)[..., ::2, ::2]
        spread = torch.zeros_like(finer)
        spread[..., ::2, ::2] = coarser
        levels[-1] = finer - 4 * _smooth(spread)
        levels.append(coarser)
    return levels


def _smooth(image: Tensor) -> Tensor:
    line = image.new_tensor([1, 4, 6, 4, 1]) / 16
    kernel = torch.outer(line, line).expand(image.shape[1], 1, 5, 5)
    return conv2d(pad(image, (2, 2, 2, 2), mode="reflect"), kernel, groups=image.shape[1])
