"""Does the generator paint the same into every hole? One number at every validation."""

from lightning import Callback, LightningModule, Trainer
from torch import Tensor

from farfill.op.spatial import local_patch
from farfill.types import Batch, Completion


class HoleVariance(Callback):
    """Logs ``val/hole_variance`` of the first validation batch, which is the same every time.

    It tells a collapsed generator, whose holes hardly depend on the picture, from a sound one:
    see :func:`relative_variance`. A batch of one picture has none, and nothing is logged.
    """

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Completion,  # type: ignore[override]
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Measure the first batch as it was completed."""
        measured = not batch_idx and not trainer.sanity_checking and trainer.is_global_zero
        if measured and len(batch.image) > 1:
            completed = outputs.completed(batch.image, batch.hole).float()
            value = relative_variance(completed, batch)
            pl_module.log("val/hole_variance", value, on_epoch=True, rank_zero_only=True)


def relative_variance(completed: Tensor, batch: Batch) -> Tensor:
    """Variance of the holes' content across pictures, divided by the truth's.

    Contents are compared at the same place of the pictures' boxes, as far as it is missing there:
    the variance over pictures is taken at every place and channel, then averaged. 1 is the
    truth's variety, 0 the same content in all holes. The truth's variance is taken as 1e-6 at
    least.

    Args:
        completed: ``(N, 3, H, W)``, N of at least 2.
        batch: Truth, holes and boxes.
    """
    height, width = batch.box[0, 2:].tolist()
    missing, *patches = (
        local_patch(x, batch.box, height, width) for x in (batch.hole, completed, batch.image)
    )
    count = missing.sum(0).clamp(min=1)
    variances = []
    for patch in patches:
        mean = (patch.float() * missing).sum(0) / count
        variances.append(((patch - mean).square() * missing).sum(0).div(count).mean())
    return variances[0] / variances[1].clamp(min=1e-6)
