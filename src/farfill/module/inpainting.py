"""The training loop of the paper: it orders the steps; everything else is a part it is given."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, Literal, cast

import torch
from lightning import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.nn.utils import clip_grad_value_, clip_grads_with_norm_, get_total_norm
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from farfill.critic.protocol import Critics
from farfill.gan.objective import GAN
from farfill.generator.two_stage import Generator
from farfill.metric.suite import InpaintingMetrics
from farfill.op.runtime import average_, full_precision, rank_and_size
from farfill.types import Batch, Completion, Diverged, Loss

#: By the names that they have in losses and logs.
PLAYERS = ("generator", "critic")
#: Of the running means by which `adversarial_share` is kept up: about 100 updates are remembered.
MEMORY = 0.99


class Inpainting(LightningModule):
    r"""Alternates the critics and the generator.

    One training step is one *generator step*: ``gan.critic_steps`` updates of the critics, each on
    a batch of its own, then one update of the generator on another. The data module hands over
    all of them as one :class:`~farfill.types.Batch`. Lightning's ``global_step`` counts steps of
    the optimizers that it wraps; only the generator's is, so ``global_step`` is the generator step.

    The *adversarial share* is logged for every update of the generator. With :math:`a` the gradient
    of the adversarial terms, weighted, with respect to the refined picture in its hole, and
    :math:`o` that of all other terms, it is :math:`\|a\| / (\|a\| + \|o\|)`: where the
    two compete, what part has the adversary? The paper's is 0.59: there ``||a||`` is 0.001 times
    the root of 2, for two critics with a gradient of length 1 in the hole, which is what the
    penalty asks for, and :math:`o` is that of the discounted L1 of a box of 128 px. ``gan.share``
    turns it round: the adversarial terms are multiplied by what gives that share, by running means
    of both norms over earlier updates (they are in the checkpoint). The adaptive weight of Esser et
    al. 2021 (arXiv 2012.09841) is akin; it looks at the last layer and at one update.

    Args:
        generator: Completes pictures.
        critics: Score pictures.
        gan: The adversarial objective of both players.
        losses: Reconstruction and auxiliary losses by name.
        optimizer: Makes an optimizer of parameters; called once per player.
        schedule: Makes a learning-rate schedule of an optimizer; stepped per generator step.
        metrics: Measures validation pictures.
        batch_size: Pictures per backward pass, in all processes together.
        trained: Parts of the generator that learn, by attribute name; ``None``: all. The others
            are frozen.
        alone: Shares of the run, of the Trainer's ``max_steps``: first the generator learns alone,
            by ``losses``, then the critics alone, and both from then on; ``None``: both always.
            A generator step in which the generator does not learn counts as one.
        accumulate: Batches of ``batch_size`` pictures whose gradients make one update.
        clip: Largest norm of all gradients of a player together, or largest value; ``None``: any.
        clip_by: ``"norm"`` or ``"value"``.
        max_skipped: Updates of one player in a row that may be skipped, because losses or gradients
            are not finite, before the run ends as diverged.
        critics_in_float32: Whether the critics compute in float32 when the Trainer's precision is
            lower; otherwise their convolutions have that precision too, and only their weights,
            scores, and the penalty's lengths are float32.
        compile: Whether to run the generator through ``torch.compile``.

    Attributes:
        skipped: Player -> updates that were left out because of losses or gradients that are not
            finite.
        skipped_in_a_row: Player -> those since its last update.
        gradient_norm: Player -> 2-norm of all gradients of its last update, before clipping.
        description: Plain values that say what the weights belong to; they go into every checkpoint
            as ``"farfill"``, see :func:`farfill.checkpoint.describe`.

    Raises:
        ValueError: If the generator has no such part, a number is out of range, or there is nothing
            to minimise.
    """

    def __init__(  # noqa: PLR0913, PLR0917 -- every part of the method is an argument
        self,
        generator: nn.Module,
        critics: Critics,
        gan: GAN,
        losses: Mapping[str, Loss] | None,
        optimizer: Callable[[Iterable[nn.Parameter]], Optimizer],
        schedule: Callable[[Optimizer], LRScheduler],
        metrics: InpaintingMetrics,
        batch_size: int,
        trained: Sequence[str] | None = None,
        alone: Sequence[float] | None = None,
        accumulate: int = 1,
        clip: float | None = None,
        clip_by: Literal["norm", "value"] = "norm",
        max_skipped: int = 20,
        critics_in_float32: bool = True,
        compile: bool = False,
    ) -> None:
        super().__init__()
        if not losses and not gan.critic_steps:
            raise ValueError("there is nothing to minimise: choose a `loss`, a `gan`, or both")
        if min(accumulate, max_skipped) < 1:
            raise ValueError(
                "expected `trainer.accumulate_grad_batches` and `module.max_skipped` from 1, got "
                f"{accumulate} and {max_skipped}"
            )
        if clip is not None and not 0 < clip < float("inf"):
            raise ValueError(f"expected `trainer.gradient_clip_val` above 0 or null, got {clip}")
        if alone is not None:
            _check_alone(alone, bool(losses) and bool(gan.critic_steps))
        self.alone = alone
        self.automatic_optimization = False
        self.generator, self.critics = (
            cast(Any, player).to(memory_format=torch.channels_last)
            for player in (generator, critics)
        )
        self.gan = gan
        self.losses = losses or {}
        self.make_optimizer = optimizer
        self.make_schedule = schedule
        self.metrics = metrics
        self.batch_size = batch_size * accumulate
        self.accumulate = accumulate
        self.clip = clip
        self.clip_by = clip_by
        self.max_skipped = max_skipped
        self.critics_precision = full_precision if critics_in_float32 else nullcontext
        self.skipped = dict.fromkeys(PLAYERS, 0)
        self.skipped_in_a_row = dict.fromkeys(PLAYERS, 0)
        self.gradient_norm: dict[str, Tensor] = {}
        self.description: dict[str, Any] = {}
        self._pulls: list[Tensor] = []  # by part of an update: squares of ||a|| and ||o||
        if gan.share is not None:
            self.register_buffer("pull_sums", torch.zeros(2))  # discounted, of ||a|| and ||o||
        if trained is not None:
            parts = dict(generator.named_children())
            if not parts.keys() >= set(trained):
                raise ValueError(
                    "expected `stage.trained` to name parts of the generator "
                    f"({', '.join(parts)}), got {', '.join(trained)}"
                )
            for name, part in parts.items():
                part.requires_grad_(name in trained)
        if compile:
            generator.compile()

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
        # Lightning counts the steps of optimizers that it has wrapped: those of the generator only.
        of_generator, _ = cast(list[LightningOptimizer], self.optimizers())
        _, of_critics = cast(list[Optimizer], self.optimizers(use_pl_optimizer=False))
        generator_learns, critics_learn = self._learners()
        self.gradient_norm.clear()  # so that it is of those who learn in this step
        if not critics_learn:
            for_critics = []
            of_critics.step()  # changes nothing: schedules come after optimizers
        critic_terms = [
            self._update("critic", of_critics, self.critic_terms, part) for part in for_critics
        ]
        self._pulls.clear()
        if generator_learns:
            terms_of = self.generator_terms if critics_learn else self.reconstruction_terms
            generator_terms = self._update("generator", of_generator, terms_of, for_generator)
        else:
            of_generator.zero_grad()
            of_generator.step()  # changes nothing, but is counted
        generator_schedule, critic_schedule = cast(list[LRScheduler], self.lr_schedulers())
        generator_schedule.step()
        if generator_learns:
            self._log_terms("generator", generator_terms)
        if self._pulls:
            self._log_share()
        if self.gan.critic_steps:
            critic_schedule.step()
        if critic_terms:
            means = {
                name: torch.stack([terms[name] for terms in critic_terms]).mean()
                for name in critic_terms[0]
            }
            self._log_terms("critic", means)
        self._check_updates(self.max_skipped, self.max_skipped)

    def on_train_end(self) -> None:
        """Refuse to end well where a player's updates were skipped for the run's second half."""
        steps = max(1, self.global_step // 2)
        self._check_updates(steps, steps * max(1, self.gan.critic_steps))

    def generator_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Every weighted term the generator minimises, by name."""
        completion = self(batch)
        terms = self._loss_terms(completion, batch)
        completed = completion.completed(batch.image, batch.hole)
        with self.critics_precision(batch.image):
            completed = completed.to(batch.image)
            fake = self.critics.views(completed, batch.box)
            adversarial = self.gan.generator_terms(self.critics, fake)
            if self.gan.share is not None:
                scale = self._scale()
                adversarial = {name: scale * term for name, term in adversarial.items()}
        if adversarial and completion.refined.requires_grad:
            self._measure_pulls(completion.refined, completed, batch.hole)
        return terms | adversarial

    def reconstruction_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Those of :meth:`generator_terms` that ask no critic."""
        return self._loss_terms(self(batch), batch)

    def critic_terms(self, batch: Batch) -> dict[str, Tensor]:
        """Every weighted term the critics minimise, by name; the generator gets no graph."""
        with torch.no_grad():
            completed = self(batch).completed(batch.image, batch.hole)
        with self.critics_precision(batch.image):
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
        values = self.metrics.compute()
        self.log_dict({f"val/{name}": value for name, value in values.items()})
        self._log_count()
        self.metrics.reset()
        if not values["l1_hole"].isfinite():
            raise Diverged(self._diverged("the completed pictures are not finite"))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the counts, and what the weights belong to: alone they do not say."""
        checkpoint["skipped"] = [self.skipped, self.skipped_in_a_row]
        checkpoint["farfill"] = self.description

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take up the counts."""
        skipped, in_a_row = checkpoint["skipped"]
        self.skipped |= skipped
        self.skipped_in_a_row |= in_a_row

    def _measure_pulls(self, refined: Tensor, completed: Tensor, hole: Tensor) -> None:
        """Let the backward pass measure the gradients of the adversarial terms and of the others.

        Only the critics look at this ``completed``, and its gradient passes on to ``refined`` in
        the hole, so hooks on both see what is needed and nothing is computed twice.
        """
        of_critics: list[Tensor] = []

        def note(gradient: Tensor) -> None:
            pull = of_critics.pop()
            both = torch.stack([pull, gradient * hole - pull])
            self._pulls.append(both.square().sum(dim=(1, 2, 3, 4)))

        completed.register_hook(lambda gradient: of_critics.append(gradient * hole))
        refined.register_hook(note)

    def _scale(self) -> Tensor:
        """What the adversarial terms are multiplied by for ``gan.share``; 1 where none is known."""
        adversarial, other = cast(Tensor, self.pull_sums)
        share = cast(float, self.gan.share)
        wanted = share / (1 - share) * other / adversarial
        return torch.where(wanted.isfinite() & (wanted > 0), wanted, 1.0)

    def _log_share(self) -> None:
        squares = torch.stack(self._pulls).sum(0)
        average_([squares])
        norms = squares.sqrt()
        least = torch.finfo(norms.dtype).tiny
        self.log("train/generator/adversarial_share", norms[0] / norms.sum().clamp_min(least))
        if self.gan.share is None:
            return
        scale = self._scale()
        self.log("train/generator/adversarial_scale", scale)
        norms[0] /= scale  # as `gan.weight` alone would have it
        if norms.isfinite().all():
            sums = cast(Tensor, self.pull_sums)
            sums.mul_(MEMORY).add_(norms)

    def _loss_terms(self, completion: Completion, batch: Batch) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = {}
        for loss in self.losses.values():
            terms |= loss(completion, batch)
        if isinstance(self.generator, Generator):
            terms |= self.generator.guidance(completion, batch)
        return terms

    def _learners(self) -> tuple[bool, bool]:
        """Whether the generator learns in this step, and whether the critics do."""
        if self.alone is None:
            return True, True
        first, second = (round(sum(self.alone[:n]) * self.trainer.max_steps) for n in (1, 2))
        return not first <= self.global_step < second, self.global_step >= first

    def on_fit_start(self) -> None:
        """Refuse phases of a run without an end."""
        if self.alone is not None and self.trainer.max_steps < 1:
            raise ValueError(
                "`stage.alone` gives shares of a run's steps, and this run has no number of them: "
                "give trainer.max_steps, or choose stage=joint"
            )

    def _check_updates(self, of_generator: int, of_critics: int) -> None:
        for player, most in zip(PLAYERS, (of_generator, of_critics), strict=True):
            count = self.skipped_in_a_row[player]
            if count >= most:
                raise Diverged(
                    self._diverged(
                        f"the last {count} updates of the {player} were skipped because losses or "
                        "gradients were not finite"
                    )
                )

    def _diverged(self, reason: str) -> str:
        return (
            f"diverged at generator step {self.global_step}: {reason}; start a new run with a "
            "lower `learning_rate`, smaller weights of the losses, or `trainer.gradient_clip_val`; "
            "the last checkpoint is kept"
        )

    def _update(
        self,
        player: str,
        optimizer: Optimizer | LightningOptimizer,
        terms_of: Callable[[Batch], dict[str, Tensor]],
        batch: Batch,
    ) -> dict[str, Tensor]:
        self.toggle_optimizer(optimizer)  # no gradients for the other player's parameters
        optimizer.zero_grad()
        parts = batch.split(-(-len(batch.image) // self.accumulate))
        sums: dict[str, Tensor] = {}
        for part in parts:
            terms = {name: term / len(parts) for name, term in terms_of(part).items()}
            self.manual_backward(torch.stack(list(terms.values())).sum())
            sums = {name: sums.get(name, 0) + term.detach() for name, term in terms.items()}
        self._step(player, optimizer, torch.stack(list(sums.values())).sum())
        self.untoggle_optimizer(optimizer)
        return sums

    def _step(self, player: str, optimizer: Optimizer | LightningOptimizer, total: Tensor) -> None:
        """Update by the gradients of all processes, unless they or the loss are not finite."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        gradients = [p.grad for p in parameters if p.grad is not None]
        average_([*gradients, total])
        norm = self.gradient_norm[player] = get_total_norm(gradients)
        if total.isfinite() & norm.isfinite():
            self.skipped_in_a_row[player] = 0
            if self.clip is not None and self.clip_by == "norm":
                clip_grads_with_norm_(parameters, self.clip, norm)
            elif self.clip is not None:
                clip_grad_value_(parameters, self.clip)
        else:
            self.skipped[player] += 1
            self.skipped_in_a_row[player] += 1
            optimizer.zero_grad()  # so that the step changes nothing, but is counted
        optimizer.step()

    def _log_terms(self, player: str, terms: dict[str, Tensor]) -> None:
        average_(terms.values())
        self.log_dict({f"train/{player}/{name}": value for name, value in terms.items()})
        total = torch.stack(list(terms.values())).sum()
        self.log(f"train/{player}/total", total, prog_bar=True)
        self.log(f"train/grad_norm/{player}", self.gradient_norm[player])
        self.log(f"train/skipped/{player}", float(self.skipped[player]))
        self._log_count()

    def _log_count(self) -> None:
        # Lightning's own axis counts from 0 in training; the step that a checkpoint has is this.
        self.log("step", float(self.global_step))


def _check_alone(alone: Sequence[float], two_players: bool) -> None:
    """Refuse with a ``ValueError`` what cannot be the phases of a run."""
    if len(alone) != 2 or min(alone) < 0 or sum(alone) > 1:
        raise ValueError(
            "expected `stage.alone` to be two shares of the run, not more than 1 together, got "
            f"{list(alone)}"
        )
    if not two_players:
        raise ValueError("`stage.alone` needs a `loss` and a `gan`: choose stage=joint")
