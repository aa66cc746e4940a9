"""Pure functions over the rows and columns of pictures and feature maps."""

import torch
from torch import Tensor


def nearest_index(size: int, new_size: int) -> Tensor:
    r"""Which of ``size`` samples each of ``new_size`` copies, as TensorFlow's aligned corners do.

    .. math:: \mathrm{index}(i) = \min\big(\lfloor i\,\tfrac{s-1}{s'-1} + \tfrac12 \rfloor, s-1\big)

    PyTorch has no such mode. The product is rounded to float32, as TensorFlow's kernel does: exact
    ties at ``k + 0.5`` then fall as they do there (54 -> 27 is the first size where that shows).

    The result is int64. Every step is one that an exported network can take for any size.
    """
    steps = torch.full((), size - 1, dtype=torch.float32)
    scale = steps / torch.full((), new_size - 1, dtype=torch.float32).clamp_min(1)
    position = torch.arange(new_size, dtype=torch.float32) * scale
    whole = position.floor()
    index = whole + (position - whole >= 0.5)  # adding 0.5 would be rounded, this is not
    return index.long().clamp_max(size - 1)


def resize_nearest(tensor: Tensor, height: int, width: int) -> Tensor:
    """Resize the last two axes of ``tensor`` to ``(height, width)`` by :func:`nearest_index`."""
    rows = nearest_index(tensor.shape[-2], height).to(tensor.device)
    columns = nearest_index(tensor.shape[-1], width).to(tensor.device)
    return tensor.index_select(-2, rows).index_select(-1, columns)


def reduce_nearest(tensor: Tensor, rate: int) -> Tensor:
    """Make the last two axes ``rate`` times smaller, rounded up; rate 1 gives the tensor itself."""
    if rate == 1:
        return tensor
    height, width = tensor.shape[-2:]
    return resize_nearest(tensor, -(-height // rate), -(-width // rate))


def local_patch(image: Tensor, box: Tensor, height: int, width: int) -> Tensor:
    """Cut ``height`` x ``width`` pixels out of each ``(N, C, H, W)`` picture or hole.

    ``box`` is ``(N, 4)`` or ``(1, 4)``, int64 ``(top, left, height, width)``; only top and left are
    read, because a batch needs one size. The patch is differentiable in ``image``.
    """
    place = pixel_positions(len(image), height, width, like=box) + box[:, :2, None, None]
    return pick(image, *place.unbind(1))


def pick(features: Tensor, row: Tensor, column: Tensor) -> Tensor:
    """Copy ``(N, C, H, W)`` features at whole positions ``(N, h, w)``: ``(N, C, h, w)``."""
    n, channels, _, width = features.shape
    index = (row * width + column).view(n, 1, -1).expand(-1, channels, -1)
    return features.flatten(2).gather(2, index).view(n, channels, *row.shape[1:])


def sample(features: Tensor, position: Tensor) -> Tensor:
    """Read ``features`` between their pixels, bilinearly.

    Positions count pixels from the first one's centre, as PyTorch's ``grid_sample`` has it with
    ``align_corners=True``. That function scales positions to ``[-1, 1]``, whose rounding moves
    even an identity map; here whole positions give the features themselves, bit for bit.

    ``(N, C, H, W)`` at rows and columns ``(N, 2, h, w)``; outside the map its edge is read. The
    result is differentiable in both.
    """
    height, width = features.shape[-2:]
    row, column = position[:, 0].clamp(0, height - 1), position[:, 1].clamp(0, width - 1)
    top, left = row.detach().floor(), column.detach().floor()
    down, right = (row - top)[:, None], (column - left)[:, None]
    top, left = top.long(), left.long()
    bottom, beyond = (top + 1).clamp_max(height - 1), (left + 1).clamp_max(width - 1)
    upper = pick(features, top, left) * (1 - right) + pick(features, top, beyond) * right
    lower = pick(features, bottom, left) * (1 - right) + pick(features, bottom, beyond) * right
    return upper * (1 - down) + lower * down


def pixel_positions(n: int, height: int, width: int, like: Tensor) -> Tensor:
    """Row and column of every pixel, ``(n, 2, height, width)``."""
    rows = torch.arange(height, device=like.device, dtype=like.dtype)
    columns = torch.arange(width, device=like.device, dtype=like.dtype)
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij")).expand(n, -1, -1, -1)


def region_mean(values: Tensor, region: Tensor) -> Tensor:
    """Mean over the region and the channels of each picture.

    ``(N, C, H, W)`` and ``(N, 1, H, W)``, 1 = counts, to ``(N,)``; NaN where the region is empty.
    """
    inside = region.expand_as(values)
    return (values * inside).sum((1, 2, 3)) / inside.sum((1, 2, 3))
