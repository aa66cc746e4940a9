"""Predict only the part of a picture that its completion shows."""

from collections.abc import Sequence

import torch
from torch import Tensor

from farfill.attention.contextual import ContextualAttention
from farfill.generator.two_stage import Generator, RefinementStage, check_shapes, with_planes
from farfill.inpainting.window import Part, Size, Span, Window, needed, put, run_part, work
from farfill.op.spatial import resize_nearest


def predict_windows(
    generator: Generator,
    masked_image: Tensor,
    hole: Tensor,
    windows: Sequence[Window],
    offsets: bool = False,
) -> tuple[Tensor, Tensor | None]:
    """Compute the refined picture in some windows, and of each layer only what they need.

    Args:
        generator: With any attention; contextual attention computes only the rows it has to.
        masked_image: ``(1, 3, H, W)``, as in :meth:`Generator.forward`.
        hole: ``(1, 1, H, W)``.
        windows: Rectangles of the picture that together cover the hole.
        offsets: Whether to tell where each place borrowed from, which takes the whole attention.

    Returns:
        The refined picture ``(1, 3, H, W)``, inside the windows what :meth:`Generator.forward`
        gives, up to rounding, elsewhere 0; and offsets as of
        :class:`~farfill.types.Completion`, or ``None``.

    Raises:
        ValueError: As :meth:`Generator.forward`.
    """
    check_shapes(masked_image, hole)
    hole = hole.to(masked_image.dtype)
    inputs = Part.whole(with_planes(masked_image, hole))
    coarse, refined = torch.zeros_like(masked_image), torch.zeros_like(masked_image)
    for window in windows:
        put(coarse, run_part(generator.coarse, inputs, window))
    pasted = coarse * hole + masked_image * (1 - hole)
    borrowing = _Borrowing(generator.refinement, with_planes(pasted, hole), hole, offsets)
    for window in windows:
        put(refined, _refine(generator.refinement, borrowing, window))
    return refined, borrowing.offsets


def multiplications(generator: Generator, window: Window, size: Size) -> float:
    """What :func:`predict_windows` does for a window, without the attention."""
    stage, small = generator.refinement, _small(size)
    inner = needed(stage.decoder, window, small)
    total = work(generator.coarse, window, size)
    total += work(stage.decoder, window, small) + work(stage.dilated_branch, inner, size)
    if stage.attention is not None:
        total += work(stage.attention_decoder, inner, small)
    return total


def attention_rows(generator: Generator, window: Window, size: Size) -> int:
    """How many rows of features a window takes from the attention."""
    stage, small = generator.refinement, _small(size)
    return needed(stage.attention_decoder, needed(stage.decoder, window, small), small).rows.length


class _Borrowing:
    """What the refinement's encoders see, and what its attention rebuilds, row by row."""

    def __init__(self, stage: RefinementStage, inputs: Tensor, hole: Tensor, offsets: bool) -> None:
        self.inputs, self.size = Part.whole(inputs), _small(Part.whole(inputs).size)
        self.offsets: Tensor | None = None
        self.whole: Part | None = None
        self.attention = stage.attention
        if self.attention is None:
            return
        self.features = stage.attention_encoder(inputs)
        self.hole = resize_nearest(hole, *self.size)
        if offsets or not isinstance(self.attention, ContextualAttention):
            result = self.attention(self.features, self.features, self.hole)
            self.whole, self.offsets = Part.whole(result.features), result.offsets

    def rows(self, span: Span) -> Part:
        """At least these rows of the rebuilt features; it is no cheaper for some columns only."""
        if self.whole is not None:
            return self.whole
        assert isinstance(self.attention, ContextualAttention)
        values = self.attention.fill_rows(self.features, self.features, self.hole, *span)
        return Part(values, Window(span, Span(0, self.size[1])), self.size)


def _refine(stage: RefinementStage, borrowing: _Borrowing, window: Window) -> Part:
    inner = needed(stage.decoder, window, borrowing.size)
    features = run_part(stage.dilated_branch, borrowing.inputs, inner).values
    if stage.attention is not None:
        part = borrowing.rows(needed(stage.attention_decoder, inner, borrowing.size).rows)
        attended = run_part(stage.attention_decoder, part, inner).values
        features = torch.cat([features, attended], dim=1)
    return run_part(stage.decoder, Part(features, inner, borrowing.size), window)


def _small(size: Size) -> Size:
    """Size of the features of a picture."""
    return size[0] // 4, size[1] // 4
