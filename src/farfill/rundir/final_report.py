"""What a training says at its start and at its end."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lightning import Trainer
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from farfill.config.instantiate import instantiate_each
from farfill.datamodule.inpainting import InpaintingData
from farfill.evaluation import manifest, pictures
from farfill.evaluation.attention import score_attention
from farfill.evaluation.results import write_results
from farfill.evaluation.score import Scores
from farfill.inpainting.detail import detailed
from farfill.inpainting.predictor import cell_of
from farfill.module.inpainting import Inpainting
from farfill.rundir.record import OURS
from farfill.rundir.status import read_status
from farfill.types import Batch, Completion, Inpainter

#: Of the baselines, by what they depend on: the same in all runs of a sweep that one process does.
_BASELINE_SCORES: dict[tuple[str, str], dict[str, Scores]] = {}


def inpainter_of(generator: nn.Module, detail: bool = False) -> Inpainter:
    """A generator as something that completes batches.

    With ``detail`` as :class:`farfill.inpainting.predictor.Predictor` has it, errors too.
    """

    def complete(batch: Batch) -> Tensor:
        completion: Completion = generator(batch.masked, batch.hole)
        completed = completion.completed(batch.image, batch.hole)
        if not detail:
            return completed
        return detailed(completed, batch.hole, completion.offsets, cell_of(generator))

    return complete


def named(baselines: Mapping[str, Inpainter]) -> dict[str, Inpainter]:
    """Baselines with what each is: classical, or no filler because it sees the truth."""
    kinds = {"truth": "no filler", "oracle": "sees the truth"}
    return {
        f"{name.replace('_', ' ')} ({kinds.get(name, 'classical baseline')})": baseline
        for name, baseline in baselines.items()
    }


def freeze(cfg: DictConfig, data: InpaintingData, loader: Iterable[Batch]) -> manifest.Manifest:
    """The manifest of what ``loader``, the data's for validation, is going to yield."""
    holes = str((cfg.datamodule.val_holes or cfg.mask)._target_)
    return manifest.build(loader, data.val_set.paths, data.val_clusters, data.val_seed, holes)


def measure_attention(
    generator: nn.Module, loader: Iterable[Batch], data: InpaintingData, callbacks: Any
) -> dict[int, dict[str, float]]:
    """Where the attention looks in each picture, as a run's callbacks ask for; empty if none do."""
    if not (asked := (callbacks or {}).get("attention_diagnostics")):
        return {}
    numbers = asked["pictures"], asked["tolerance"]
    return score_attention(generator, loader, data.source, data.val_set.paths, *numbers)


def best_value(trainer: Trainer) -> float | None:
    """Best of the monitored metric so far; None without a validation or a monitor."""
    best = getattr(trainer.checkpoint_callback, "best_model_score", None)
    return None if best is None else float(best)


def final_report(cfg: DictConfig, module: Inpainting, data: InpaintingData) -> str:
    """Score a generator beside classical baselines on the same validation holes.

    Args:
        cfg: Whole configuration of the run.
        module: Its generator is moved to the processor, as float32, and left in evaluation mode.
        data: Set up.

    Returns:
        The table in Markdown, and where the rest lies.
    """
    generator = module.generator.eval().to("cpu").float()
    loader = data.val_dataloader()
    frozen = freeze(cfg, data, loader)
    inpainters = {OURS: inpainter_of(generator), **named(instantiate_each(cfg.get("baseline")))}
    asked = OmegaConf.to_container(OmegaConf.masked_copy(cfg, ["baseline", "metric"]), resolve=True)
    clusters = [entry.cluster for entry in frozen.entries]
    scored = _BASELINE_SCORES.setdefault((frozen.hash, json.dumps([asked, clusters])), {})
    folder = Path(cfg.paths.output_dir) / "report"
    attention = pictures.attention_maps(generator)
    remarks = [
        f"{count} updates of the {player} were skipped: losses or gradients were not finite."
        for player, count in module.skipped.items()
        if count
    ]
    if collapsed := read_status(folder.parent).get("collapsed"):
        remarks.append(f"This run has COLLAPSED: {collapsed}.")
    table = write_results(
        *(folder, inpainters, loader, frozen),
        scored=scored,
        attention=attention,
        remarks=remarks,
        distances=module.metrics.distances,
        more=measure_attention(generator, loader, data, cfg.get("callbacks")),
    )
    return f"\n{table}\nTables, best and worst pictures: {folder}"
