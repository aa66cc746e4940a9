"""Does the attention look where it should? Measured at every validation, logged like a metric."""

from typing import Any, cast

from lightning import Callback, LightningModule, Trainer
from torchmetrics import MeanMetric

from farfill.evaluation.attention import contents, in_the_middle, measure_pictures, trace_attention
from farfill.metric.attention import map_similarity
from farfill.types import Batch

SIMILAR = 8  # pictures whose maps are compared, from the first batch


class AttentionDiagnostics(Callback):
    """Logs the measures of :mod:`farfill.metric.attention` as ``val/attention_<measure>``.

    Each is a mean over the measured pictures. Weights are measured where the attention has them,
    hits where the data say what every pixel shows, and nothing without an attention.
    ``similarity``, ``same_source`` and ``variation`` compare the maps of the first batch's pictures
    under one hole: the middle box of the run's size. Of several processes they are the first one's;
    all other measures are of the same pictures however many processes share them.

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
        trace = trace_attention(pl_module.generator, few)
        if trace is None:
            return
        data = cast(Any, trainer).datamodule
        shown = contents(data.source, data.val_set.paths, few)
        for name, value in measure_pictures(trace, shown, self.tolerance).items():
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


def log_similarity(module: LightningModule, batch: Batch) -> None:
    """Compare the maps of different pictures under the same hole, a box in their middle."""
    few = in_the_middle(Batch(*(part[:SIMILAR] for part in batch)))
    trace = trace_attention(module.generator, few)
    if trace is None or not trace.hole[0].any():
        return
    for name, value in map_similarity(trace.offsets, trace.hole[0], trace.features).items():
        module.log(f"val/attention_{name}", value.float(), on_epoch=True, rank_zero_only=True)
