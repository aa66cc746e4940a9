"""Does the attention look where it should? Measured at every validation, logged like a metric."""

from typing import Any, NamedTuple, cast

import torch
from lightning import Callback, LightningModule, Trainer
from torch import Tensor, nn
from torchmetrics import MeanMetric

from farfill.data.protocol import SyntheticSource
from farfill.datamodule.inpainting import InpaintingData
from farfill.metric import attention as measure
from farfill.op.spatial import resize_nearest
from farfill.types import AttentionResult, Batch

SIMILAR = 8  # pictures whose maps are compared, from the first batch


class AttentionTrace(NamedTuple):
    """What an attention layer did to a batch."""

    offsets: Tensor  # (N, 2, h, w), int64
    hole: Tensor  # (N, h, w), bool, True = missing, as the layer has it on its grid
    features: tuple[int, int]  # height and width of the feature map
    weights: Tensor | None  # (N, h, w, h', w'); None where the layer has none
    stride: int  # grid of the weights' sources


class AttentionDiagnostics(Callback):
    """Logs the measures of :mod:`farfill.metric.attention` as ``val/attention_<measure>``.

    Each is a mean over the measured pictures. Weights are measured where the attention has them,
    hits where the data say what every pixel shows, and nothing without an attention.
    ``similarity`` and ``same_source`` compare the maps of the first batch's pictures under one
    hole: the middle box of the run's size. Of several processes they are the first one's; all
    other measures are of the same pictures however many processes share them.

    Args:
        pictures: Validation pictures to measure, from the first on; 0 = none.
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
        self._means: dict[str, MeanMetric] = {}

    def on_validation_epoch_start(self, *_: Any) -> None:
        """Begin anew."""
        self._means = {}

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
        wanted = batch.index < self.pictures
        # Every process has every mean, or the others wait: one without a picture at a weight of 0.
        if trainer.sanity_checking or not self.pictures or (batch_idx and not wanted.any()):
            return
        few = Batch(*(part[wanted] if wanted.any() else part[:1] for part in batch))
        trace = trace_attention(pl_module, few)
        if trace is None:
            return
        data = cast(Any, trainer).datamodule
        for name, value in measure_pictures(trace, few, data, self.tolerance).items():
            known = value[~value.isnan() & wanted.any()]
            mean = self._means.setdefault(name, MeanMetric().to(value.device))
            mean.update(known.mean() if len(known) else 0.0, len(known))
        if batch_idx == 0 and len(few.image) > 1 and trainer.is_global_zero:
            log_similarity(pl_module, few)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the means over all processes."""
        for name, mean in self._means.items():
            value = mean.compute()  # in every process: it waits for the others
            pl_module.log(f"val/attention_{name}", value, on_epoch=True, rank_zero_only=True)


def trace_attention(module: nn.Module, batch: Batch) -> AttentionTrace | None:
    """Complete the pictures and watch the attention; ``None`` if there is nothing to see."""
    layer = getattr(getattr(module.generator, "refinement", None), "attention", None)
    if layer is None:
        return None
    calls: list[tuple[tuple[Tensor, ...], AttentionResult]] = []
    handle = layer.register_forward_hook(lambda _, inputs, result: calls.append((inputs, result)))
    try:
        module(batch)
    finally:
        handle.remove()
    inputs, (_, offsets) = calls[-1] if calls else ((), (None, None))
    if offsets is None:  # or the coarse stage alone, which does not ask it
        return None
    hole = resize_nearest(inputs[2], *offsets.shape[-2:])[:, 0] != 0
    weights = layer.attend(*inputs) if hasattr(layer, "attend") else None
    height, width = inputs[0].shape[-2:]
    return AttentionTrace(offsets, hole, (height, width), weights, getattr(layer, "stride", 1))


def measure_pictures(
    trace: AttentionTrace, batch: Batch, data: InpaintingData, tolerance: float
) -> dict[str, Tensor]:
    """Every measure of every picture, by name: ``(N,)``."""
    rows = []
    for number, index in enumerate(batch.index.tolist()):
        offsets, hole = trace.offsets[number], trace.hole[number]
        row = measure.distances(offsets, hole, trace.features)
        row["hole_weight"] = measure.source_in_hole(offsets, hole)
        if trace.weights is not None:
            row |= measure.weight_measures(trace.weights[number], hole, trace.stride)
        if isinstance(data.source, SyntheticSource):
            shown = data.source.content(data.val_set.paths[index], batch.image.shape[-1])
            content = torch.from_numpy(shown).to(hole.device, torch.float32)  # (K, H, W)
            axes = zip(hole.shape, trace.features, content.shape[1:], strict=True)
            y, x = (measure.pixel_index(*sizes).to(hole.device) for sizes in axes)
            row |= measure.hit_rates(offsets, hole, content, (y, x), tolerance)
        rows.append(row)
    return {name: torch.stack([row[name].float() for row in rows]) for name in rows[0]}


def log_similarity(module: LightningModule, batch: Batch) -> None:
    """Compare the maps of different pictures under the same hole, a box in their middle."""
    few = Batch(*(part[:SIMILAR] for part in batch))
    hole = torch.zeros_like(few.hole)
    (height, width), (h, w) = hole.shape[-2:], few.box[0, 2:].tolist()
    top, left = (height - h) // 2, (width - w) // 2
    hole[..., top : top + h, left : left + w] = 1
    trace = trace_attention(module, few._replace(hole=hole))
    if trace is None or not trace.hole[0].any():
        return
    for name, value in measure.map_similarity(trace.offsets, trace.hole[0]).items():
        module.log(f"val/attention_{name}", value.float(), on_epoch=True, rank_zero_only=True)
