"""TensorFlow's padding and initialisation."""

import math

import pytest
import torch

from farfill.layer.convolution import SameConv2d, same_padding


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "dilation", "expected"),
    [
        (64, 3, 2, 1, (0, 1)),
        (64, 5, 2, 1, (1, 2)),
        (63, 3, 2, 1, (1, 1)),
        (63, 5, 2, 1, (2, 2)),
        (64, 5, 1, 1, (2, 2)),
        (16, 3, 1, 16, (16, 16)),
        (4, 1, 2, 1, (0, 0)),
    ],
)
def test_same_padding(size, kernel, stride, dilation, expected):
    """Trap 1: one-sided on even sizes, symmetric on odd ones."""
    assert same_padding(size, kernel, stride, dilation) == expected


@pytest.mark.parametrize("size", [(8, 8), (7, 10), (9, 5)])
@pytest.mark.parametrize(("kernel", "stride", "dilation"), [(3, 2, 1), (5, 2, 1), (3, 1, 4)])
def test_every_output_looks_where_tensorflow_looks(size, kernel, stride, dilation):
    """A kernel that picks one tap shows which input pixel lies under it."""
    convolution = SameConv2d(1, 1, kernel, stride, dilation).double()
    image = torch.arange(1.0, size[0] * size[1] + 1, dtype=torch.float64).view(1, 1, *size)
    for tap in range(kernel):
        with torch.no_grad():
            convolution.weight.zero_()[0, 0, tap, tap] = 1
            output = convolution(image)[0, 0]
        for i in range(output.shape[0]):
            for j in range(output.shape[1]):
                where = [
                    at * stride + tap * dilation - same_padding(n, kernel, stride, dilation)[0]
                    for at, n in zip((i, j), size, strict=True)
                ]
                inside = all(0 <= w < n for w, n in zip(where, size, strict=True))
                assert output[i, j] == (image[0, 0, where[0], where[1]] if inside else 0)
        assert output.shape == tuple(math.ceil(n / stride) for n in size)


def test_initialisation_is_glorot_uniform_with_zero_bias():
    """Trap 14: PyTorch's default has neither this range nor a zero bias."""
    convolution = SameConv2d(16, 64, 3)
    limit = math.sqrt(6 / (16 * 9 + 64 * 9))
    assert not convolution.bias.any()
    assert convolution.weight.abs().max() <= limit
    assert convolution.weight.abs().max() > 0.99 * limit
    assert convolution.weight.std().item() == pytest.approx(limit / math.sqrt(3), rel=0.03)
