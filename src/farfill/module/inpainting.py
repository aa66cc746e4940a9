"""The training loop of the paper: it orders the steps; everything else is a part it is given."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn.utils import get_total_norm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from farfill.critic.protocol import Critics
from farfill.gan.objective import GAN
from farfill.metric.suite import InpaintingMetrics
from farfill.op.runtime import average_, full_precision, rank_and_size
from farfill.types import Batch, Completion, Diverged, Loss


@dataclass(frozen=True)
class Update:
    """How gradients become updates.

    Attributes:
        accumulate: Parts in which the pictures of an update are worked through: less memory, the
            same gradient.
        clip: Largest norm of all gradients together, or largest value; None: any.
        clip_by: ``"norm"`` or ``"value"``.
        patience: Updates in a row that may be skipped before the run ends as diverged.
    """

    accumulate: int = 1
    clip: float | None = None
    clip_by: str = "norm"
    patience: int = 20


class Inpainting(LightningModule):
    """Alternates the critics and the generator.

    One training step is one *generator step*: ``gan.critic_steps`` updates of the critics, each on
    a batch of its own, then one update of the generator on another. The data module hands over
    all of them as one :class:`~farfill.types.Batch`, so Lightning's count of batches is the one
    count of generator steps that stops, validates, saves and logs.

    Args:
        generator: Completes pictures.
        critics: Score pictures.
        gan: The adversarial objective of both players.
        losses: Reconstruction and auxiliary losses by name.
        optimizer: Makes an optimizer of parameters; called once per player.
        schedule: Makes a learning-rate schedule of an optimizer; stepped per generator step.
        metrics: Measures validation pictures.
        batch_size: Pictures per update, in all processes together.
        trained: Parts of the generator that learn, by attribute name; ``None``: all. The others
            are frozen.
        update: How gradients become updates; None: as they are.

    Attributes:
        generator_steps: Steps done.
        skipped: Updates that were left out because of gradients that are not finite.

    Raises:
        ValueError: If the generator has no such part, or there is nothing to minimise.
    """

    def __init__(
        self,
        generator: nn.Module,
        critics: Critics,
        gan: GAN,
        losses: Mapping[str, Loss],
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[[Optimizer], LRScheduler],
        metrics: InpaintingMetrics,
        batch_size: int,
        trained: Sequence[str] | None = None,
        update: Update | None = None,
    ) -> None:
        super().__init__()
        if not losses and not gan.critic_steps:
            raise ValueError("there is nothing to minimise: choose a `loss`, a `gan`, or both")
        self.automatic_optimization = False
        self.generator = generator
        self.critics = critics
        self.gan = gan
        self.losses = losses
        self.make_optimizer = optimizer
        self.make_schedule = schedule
        self.metrics = metrics
        self.batch_size = batch_size
        self.generator_steps = 0
        self.update = update or Update()
        self.skipped = 0
        self._in_a_row = 0
        _freeze_all_but(trained, generator)

    def forward(self, batch: Batch) -> Completion:
        """Complete the pictures of a batch."""
        return self.generator(batch.masked, batch.hole)

    def configure_optimizers(self) -> Any:
        """One optimizer and one schedule per player, generator first."""
        optimizers = [
            self.make_optimizer([p for p in player.parameters() if p.requires_grad])
            for player in (self.generator, self.critics)
        ]
        return optimizers, [self.make_schedule(optimizer) for optimizer in optimizers]

    def training_step(self, batch: Batch, batch_idx: int) -> None:
        """Update the critics, each time on fresh pictures and holes, then the generator."""
        *for_critics, for_generator = batch.split(self.batch_size // rank_and_size()[1])
        for part in for_critics:
            critic_terms = self._update(1, self.critic_terms, part)
        generator_terms = self._update(0, self.generator_terms, for_generator)
        schedules = cast(list[LRScheduler], self.lr_schedulers())
        for schedule in schedules if for_critics else schedules[:1]:
            schedule.step()
        self.generator_steps += 1
        self._log_terms("generator", generator_terms)
        if for_critics:
            self._log_terms("critic", critic_terms)
        self.log("train/skipped", float(self.skipped))
        if self._in_a_row >= self.update.patience:
            raise Diverged(
                f"diverged at generator step {self.generator_steps}: the last {self._in_a_row} "
                "updates of critics and generator were skipped because losses or gradients were "
                "not finite; start a new run with a lower `learning_rate` or with "
                "`trainer.gradient_clip_val`; the last checkpoint is kept"
            )

    def generator_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Every weighted term the generator minimises, by name."""
        completion = self(batch)
        terms: dict[str, Tensor] = {}
        for loss in self.losses.values():
            terms |= loss(completion, batch)
        completed = completion.completed(batch.image, batch.hole)
        with full_precision(batch.image):
            fake = self.critics.views(completed.to(batch.image), batch.box)
            return terms | self.gan.generator_terms(self.critics, fake)

    def critic_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Every weighted term the critics minimise, by name; the generator gets no graph."""
        with torch.no_grad():
            completed = self(batch).completed(batch.image, batch.hole)
        with full_precision(batch.image):
            real, fake, hole = (
                self.critics.views(x, batch.box)
                for x in (batch.image, completed.to(batch.image), batch.hole)
            )
            return self.gan.critic_terms(self.critics, real, fake, hole)

    def validation_step(self, batch: Batch, batch_idx: int) -> Completion:  # type: ignore[override]
        """Measure the completed pictures; callbacks get the completion."""
        completion: Completion = self(batch)
        completed = completion.completed(batch.image, batch.hole)
        self.metrics.update(completed.float(), batch.image, batch.hole)
        return completion

    def on_validation_epoch_end(self) -> None:
        """Log every metric as ``val/<metric>_<region>`` at the current generator step."""
        values = {f"val/{name}": value for name, value in self.metrics.compute().items()}
        self.log_dict(values)
        self._log_count()
        self.metrics.reset()

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the counts."""
        checkpoint["generator_steps"] = self.generator_steps
        checkpoint["skipped"] = [self.skipped, self._in_a_row]

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the counts, and the pictures where the count left them."""
        self.generator_steps = checkpoint["generator_steps"]
        self.skipped, self._in_a_row = checkpoint.get("skipped", (0, 0))
        data = getattr(self._trainer, "datamodule", None)
        if data is not None:
            data.start = self.generator_steps

    def _update(
        self, player: int, terms_of: Callable[[Batch], dict[str, Tensor]], batch: Batch
    ) -> dict[str, Tensor]:
        optimizer = cast(list[LightningOptimizer], self.optimizers())[player]
        self.toggle_optimizer(optimizer)  # no gradients for the other player's parameters
        optimizer.zero_grad()
        parts = batch.split(-(-len(batch.image) // self.update.accumulate))
        sums: dict[str, Tensor] = {}
        for part in parts:
            terms = {name: term / len(parts) for name, term in terms_of(part).items()}
            self.manual_backward(torch.stack(list(terms.values())).sum())
            sums = {name: sums.get(name, 0) + term.detach() for name, term in terms.items()}
        self._step(optimizer, torch.stack(list(sums.values())).sum())
        self.untoggle_optimizer(optimizer)
        return sums

    def _step(self, optimizer: LightningOptimizer, total: Tensor) -> None:
        """Update by the gradients of all processes, unless they or the loss are not finite."""
        groups = optimizer.param_groups
        gradients = [p.grad for group in groups for p in group["params"] if p.grad is not None]
        average_([*gradients, total])
        if not (total.isfinite() & get_total_norm(gradients).isfinite()):
            self.skipped += 1
            self._in_a_row += 1
            optimizer.zero_grad()
            return
        self._in_a_row = 0
        if self.update.clip is not None:
            self.clip_gradients(cast(Optimizer, optimizer), self.update.clip, self.update.clip_by)
        optimizer.step()

    def _log_terms(self, player: str, terms: dict[str, Tensor]) -> None:
        average_(terms.values())
        self.log_dict({f"train/{player}/{name}": value for name, value in terms.items()})
        total = torch.stack(list(terms.values())).sum()
        self.log(f"train/{player}/total", total, prog_bar=True)
        self._log_count()

    def _log_count(self) -> None:
        # Lightning takes `step` for the loggers' axis; wandb plots against `generator_step`.
        self.log_dict(dict.fromkeys(("step", "generator_step"), float(self.generator_steps)))


def _freeze_all_but(trained: Sequence[str] | None, generator: nn.Module) -> None:
    if trained is None:
        return
    parts = dict(generator.named_children())
    if not parts.keys() >= set(trained):
        raise ValueError(
            f"expected `stage.trained` to name parts of the generator ({', '.join(parts)}), "
            f"got {', '.join(trained)}"
        )
    for name, part in parts.items():
        part.requires_grad_(name in trained)
