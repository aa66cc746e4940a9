"""Does the run still learn? A network that has died trains on to the end and looks busy."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from lightning import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import MeanMetric

from farfill.baseline.mean_colour import MeanColour
from farfill.metric.suite import NAMES, l1
from farfill.module.inpainting import Inpainting
from farfill.op.runtime import any_rank
from farfill.op.spatial import region_mean
from farfill.rundir.record import L1, VARIANCE
from farfill.rundir.status import read_status, write_status
from farfill.types import Batch, Completion

FLOOR = "val/mean_colour_l1_hole"
STAGES = ("coarse", "refined")
_MEASURES = (*(f"val/clipped_{name}" for name in (*STAGES, "truth")), FLOOR)
#: Of the holes, relative to the truth's; a sound network has hundreds of times as much at step 2.
NO_VARIANCE = 1e-6
_CURE = (
    "start again with a lower `learning_rate`, with `schedule.warmup=200`, or with "
    "`trainer.gradient_clip_val=1`"
)
_log = logging.getLogger(__name__)


class Health(Callback):
    """Warns once if a run has collapsed, and notes it in ``status.json``.

    It looks at every validation, at the holes of all pictures. A run has collapsed if

    * a stage is clipped: more than ``most_clipped`` of its values are -1 or 1, where the output has
      no gradient, beyond the share of such values in the truth;
    * the generator had no gradient at all since the last validation;
    * every metric is, to the last digit, what it was at the last validation, though the generator
      had updates since;
    * ``val/hole_variance`` is below 1e-6: the same is painted into every hole;
    * or, twice in a row from ``patience`` generator steps on, L1 is worse than the mean colour of
      the known pixels (asked only where a loss compares with the truth), ``val/hole_variance`` is
      below ``least_variance``, or the critics had no gradient.

    A run that gets over it is sound again. Where the learning rate was 0 since the last validation,
    nothing was to be learnt, and nothing is asked. Logs ``val/clipped_coarse``,
    ``val/clipped_refined``, ``val/clipped_truth`` (shares) and ``val/mean_colour_l1_hole``.

    Args:
        folder: Of the run.
        stop: Whether to end a run that has collapsed.
        most_clipped: From 0 to 1.
        least_variance: See :func:`~farfill.callback.hole_variance.relative_variance`.
        patience: Generator steps.

    Attributes:
        reason: Why the run counts as collapsed; empty if it does not.
    """

    def __init__(
        self,
        folder: str,
        stop: bool = False,
        most_clipped: float = 0.5,
        least_variance: float = 0.05,
        patience: int = 500,
    ) -> None:
        self.folder = Path(folder)
        self.stop = stop
        self.most_clipped = most_clipped
        self.least_variance = least_variance
        self.patience = patience
        self.reason = ""
        self._doubted: list[str] = []
        self._last: dict[str, float] = {}
        self._gradients: dict[str, float | Tensor] = {}
        self._rate = 0.0  # the largest since the last validation
        self._means: dict[str, MeanMetric] = {}

    def state_dict(self) -> dict[str, Any]:
        """Keep what the next validation is compared with."""
        return {
            "reason": self.reason,
            "doubted": self._doubted,
            "last": self._last,
            "gradients": {player: float(norm) for player, norm in self._gradients.items()},
            "rate": self._rate,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it up."""
        self.reason, self._doubted = state_dict["reason"], state_dict["doubted"]
        self._last, self._gradients = state_dict["last"], state_dict["gradients"]
        self._rate = state_dict.get("rate", 0.0)  # earlier versions did not keep it

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Note what the checkpoint brings along where the folder says otherwise."""
        noted = "collapsed" in read_status(self.folder)
        if trainer.is_global_zero and noted != bool(self.reason):
            step = trainer.global_step
            text = f"{self.reason} before generator step {step}; {_CURE}"
            self._note(text if self.reason else None)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Keep the largest rate: after a cosine's last step it is 0, and there is much to ask."""
        optimizer = cast(Any, pl_module.optimizers(use_pl_optimizer=False))[0]
        self._rate = max(self._rate, *(group["lr"] for group in optimizer.param_groups))

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *_: Any) -> None:
        """Keep each player's largest gradient."""
        for player, norm in cast(Inpainting, pl_module).gradient_norm.items():
            self._gradients[player] = norm.clamp(min=self._gradients.get(player, 0.0))

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Begin with the first picture."""
        self._means = {name: MeanMetric().to(pl_module.device) for name in _MEASURES}

    def on_validation_batch_end(  # type: ignore[override]
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Completion,
        batch: Batch,
        *_: Any,
    ) -> None:
        """Measure what the verdict needs."""
        values = [
            region_mean(image.abs().ge(1).float(), batch.hole)
            for image in (outputs.coarse, outputs.refined, batch.image)
        ]
        values.append(l1(MeanColour()(batch), batch.image, batch.hole) / 2)  # of [-1, 1]
        for mean, value in zip(self._means.values(), values, strict=True):
            mean.update(value)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the means over all pictures, whatever the batches and processes."""
        pl_module.log_dict({name: mean.compute() for name, mean in self._means.items()})

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Give the verdict, say what is new, and end the run if that is asked for."""
        module = cast(Inpainting, pl_module)
        rate, step = self._rate, trainer.global_step
        if trainer.state.fn != "fit" or trainer.sanity_checking or not rate:
            return
        values = {name: float(value) for name, value in trainer.callback_metrics.items()}
        doubts = self._doubts(values, module) if step >= self.patience else {}
        twice = {name: text for name, text in doubts.items() if name in self._doubted}
        found = self._signs(values, module) | twice
        self._doubted = [*doubts]
        self._last = {name: values[f"val/{name}"] for name in NAMES}
        self._gradients, self._rate = {}, 0.0
        before, self.reason = self.reason, " and ".join(found.values())
        if trainer.is_global_zero and bool(before) != bool(self.reason):
            if self.reason:
                _log.warning("Collapsed at generator step %d: %s; %s.", step, self.reason, _CURE)
            else:
                _log.warning("Recovered at generator step %d: it was that %s.", step, before)
            self._note(f"{self.reason} at generator step {step}; {_CURE}" if self.reason else None)
        if self.stop and any_rank(bool(self.reason), pl_module.device):
            trainer.should_stop = True

    def _note(self, reason: str | None) -> None:
        write_status(self.folder, "running", collapsed=reason)

    def _signs(self, values: Mapping[str, float], module: Inpainting) -> dict[str, str]:
        """What is wrong beyond doubt, by name."""
        most = self.most_clipped + values["val/clipped_truth"]
        signs: dict[str, str] = {}
        for name in STAGES:
            if (share := values[f"val/clipped_{name}"]) > most:
                signs[name] = f"{share:.0%} of the {name} stage's values in the holes are clipped"
        if self._gradients.get("generator") == 0:
            signs["gradient"] = "the generator had no gradient since the last validation"
        same = self._last == {name: values[f"val/{name}"] for name in NAMES}
        updated = "generator" in self._gradients and not module.skipped_in_a_row["generator"]
        if same and updated:
            signs["same"] = "the validation is the last one's to every digit"
        if (variance := values.get(VARIANCE, 1.0)) < NO_VARIANCE:
            signs["variance"] = f"the holes do not vary with the picture at all ({variance:.1g})"
        return signs

    def _doubts(self, values: Mapping[str, float], module: Inpainting) -> dict[str, str]:
        """What is wrong if it is so twice in a row, by name."""
        doubts: dict[str, str] = {}
        if not [*module.generator.parameters()][-1].requires_grad:
            return doubts  # the stage that paints does not learn in this run
        if module.losses and values[L1] > values[FLOOR]:
            doubts["floor"] = (
                f"L1 in the holes, {values[L1]:.3g}, is worse than {values[FLOOR]:.3g} of the "
                "mean colour"
            )
        if (variance := values.get(VARIANCE, 1.0)) < self.least_variance:
            doubts["variance"] = f"the holes hardly vary with the picture ({variance:.2g})"
        if self._gradients.get("critic") == 0:
            doubts["critic"] = "the critics had no gradient since the last validation"
        return doubts
