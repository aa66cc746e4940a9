"""Does the attention look where it should? Measured at every validation, logged like a metric."""

from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn

from farfill.data.protocol import SyntheticSource
from farfill.datamodule.inpainting import InpaintingData
from farfill.metric import attention as measure
from farfill.op.spatial import resize_nearest
from farfill.types import AttentionResult, Batch

SIMILAR = 8  # pictures whose maps are compared, from the first batch


class Look(NamedTuple):
    """What an attention layer did to a batch.

    Attributes:
        offsets: ``(N, 2, h, w)``, int64.
        hole: ``(N, h, w)``, bool, True = missing, as the layer has it on its grid.
        features: Height and width of the feature map.
        weights: ``(N, h, w, h', w')``, or ``None`` where the layer has none.
        stride: Grid of the weights' sources.
    """

    offsets: Tensor
    hole: Tensor
    features: tuple[int, int]
    weights: Tensor | None
    stride: int


class AttentionDiagnostics(Callback):
    """Logs the measures of :mod:`farfill.metric.attention` as ``val/attention_<measure>``.

    Each is a mean over the measured pictures. Weights are measured where the attention has them,
    hits where the data say what every pixel shows, and nothing without an attention.
    ``similarity`` and ``same_source`` compare the maps of the first batch's pictures under one
    hole: the middle box of the run's size.

    Args:
        pictures: Validation pictures to measure, from the first on; 0 = none. Of several processes
            the first measures those that it has.
        tolerance: Pixels by which a source may miss the right place and still be a hit.

    Raises:
        ValueError: If a number is negative.
    """

    def __init__(self, pictures: int, tolerance: float) -> None:
        if min(pictures, tolerance) < 0:
            raise ValueError(
                "expected `attention_diagnostics.pictures` and `.tolerance` not to be negative, "
                f"got {pictures} and {tolerance}"
            )
        self.pictures = pictures
        self.tolerance = tolerance
        self._seen = 0

    def on_validation_epoch_start(self, *_: Any) -> None:
        """Begin with the first picture."""
        self._seen = 0

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Look again at the batch's pictures, and measure."""
        few = Batch(*(part[: self.pictures - self._seen] for part in batch))
        if trainer.sanity_checking or not len(few.image) or not trainer.is_global_zero:
            return
        self._seen += len(few.image)
        look = look_at(pl_module, few)
        if look is None:
            return
        data = cast(Any, trainer).datamodule
        values = measure_pictures(look, content_of(data, few), self.tolerance)
        for name, value in values.items():
            known = value[~value.isnan()]
            pl_module.log(
                f"val/attention_{name}",
                known.mean() if len(known) else 0.0,
                batch_size=len(known),
                on_epoch=True,
                rank_zero_only=True,
            )
        if batch_idx == 0 and len(few.image) > 1:
            log_similarity(pl_module, few)


def look_at(module: nn.Module, batch: Batch) -> Look | None:
    """Complete the pictures and watch the attention; ``None`` if there is nothing to see."""
    refinement = getattr(module.generator, "refinement", None)
    layer = getattr(refinement, "attention", None)
    if layer is None:
        return None
    calls: list[tuple[tuple[Tensor, ...], AttentionResult]] = []
    handle = layer.register_forward_hook(lambda _, inputs, result: calls.append((inputs, result)))
    try:
        module(batch)
    finally:
        handle.remove()
    if not calls:  # the coarse stage alone does not ask it
        return None
    inputs, (_, offsets) = calls[-1]
    if offsets is None:
        return None
    hole = resize_nearest(inputs[2], *offsets.shape[-2:])[:, 0] != 0
    weights = layer.attend(*inputs) if hasattr(layer, "attend") else None
    height, width = inputs[0].shape[-2:]
    return Look(offsets, hole, (height, width), weights, getattr(layer, "stride", 1))


def content_of(data: InpaintingData, batch: Batch) -> Iterator[Tensor | None]:
    """What each picture shows: ``(K, H, W)``, or ``None`` if the data cannot say."""
    source = data.source
    for index, image in zip(batch.index.tolist(), batch.image, strict=True):
        if not isinstance(source, SyntheticSource):
            yield None
            continue
        content = source.content(data.val_set.paths[index], image.shape[-1])
        yield torch.from_numpy(content).to(image.device, torch.float32)


def measure_pictures(
    look: Look, contents: Iterator[Tensor | None], tolerance: float
) -> dict[str, Tensor]:
    """Every measure of every picture, by name: ``(N,)``."""
    rows = []
    for number, (offsets, hole, content) in enumerate(
        zip(look.offsets, look.hole, contents, strict=True)
    ):
        row = measure.distances(offsets, hole, look.features)
        row["hole_weight"] = measure.source_in_hole(offsets, hole)
        if look.weights is not None:
            row |= measure.weight_measures(look.weights[number], hole, look.stride)
        if content is not None:
            pixels = _pixels(content, hole, look.features)
            row |= measure.hit_rates(offsets, hole, content, pixels, tolerance)
        rows.append(row)
    return {name: torch.stack([row[name].float() for row in rows]) for name in rows[0]}


def log_similarity(module: LightningModule, batch: Batch) -> None:
    """Compare the maps of different pictures under the same hole."""
    few = Batch(*(part[:SIMILAR] for part in batch))
    look = look_at(module, few._replace(hole=centred_hole(few)))
    if look is None or not look.hole[0].any():
        return
    for name, value in measure.map_similarity(look.offsets, look.hole[0]).items():
        module.log(f"val/attention_{name}", value.float(), on_epoch=True, rank_zero_only=True)


def centred_hole(batch: Batch) -> Tensor:
    """A box of the batch's size in the middle of every picture: ``(N, 1, H, W)``."""
    hole = torch.zeros_like(batch.hole)
    (height, width), (h, w) = hole.shape[-2:], batch.box[0, 2:].tolist()
    top, left = (height - h) // 2, (width - w) // 2
    hole[..., top : top + h, left : left + w] = 1
    return hole


def _pixels(content: Tensor, hole: Tensor, features: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Rows and columns of the pixels that the grid's positions stand for."""
    rows, columns = (
        measure.pixel_index(*sizes).to(content.device)
        for sizes in zip(hole.shape, features, content.shape[1:], strict=True)
    )
    return rows, columns
