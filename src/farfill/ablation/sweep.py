"""The runs of a sweep as cells of a table, and the refusal to compare what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from omegaconf import OmegaConf

from farfill.config.keys import below, flat
from farfill.rundir.record import OURS, Record, label, read_record, usable
from farfill.sweep.plan import PLAN, SEED, as_text, cell_of, options, plan_of, swept_options

#: Keys that may differ between cells: they change what is written, not what is learnt.
HARMLESS = ("question", "logger", "pictures", "ckpt_path", "datamodule.workers",
            "trainer.enable_progress_bar", "sweep")  # fmt: skip
BASELINE = "baseline"  # a claim's side that is no cell: {baseline: telea}


@dataclass(frozen=True)
class Sweep:
    """Every run of a sweep, those that failed or never started too.

    Attributes:
        records: One per cell and seed.
        question: What the ablation asks, as ``ablations/<name>.yaml`` has it; empty for a sweep
            without one.
        reference: Cell the others are compared with, by the options that single it out; empty: the
            first one.
        varies: Keys that the swept options change besides their own, such as ``generator``.
    """

    records: Sequence[Record]
    question: Mapping[str, Any] = field(default_factory=dict)
    reference: Mapping[str, Any] = field(default_factory=dict)
    varies: Sequence[str] = ()

    @cached_property
    def cells(self) -> dict[str, list[Record]]:
        """Label -> runs by seed, in the order of the sweep."""
        cells: dict[str, list[Record]] = {}
        for record in self.records:
            cells.setdefault(record.label, []).append(record)
        return {name: sorted(runs, key=lambda run: run.seed) for name, runs in cells.items()}

    @cached_property
    def baselines(self) -> dict[str, list[Record]]:
        """Classical filler -> its scores by seed: the same in all cells, so the first has them."""
        found: dict[str, dict[int, Record]] = {}
        for run in self.records:
            for filler, scores in run.scores.items():
                if filler != OURS:
                    one = Record({BASELINE: filler}, run.seed, run.folder, scores={OURS: scores})
                    found.setdefault(filler, {}).setdefault(run.seed, one)
        return {filler: [runs[seed] for seed in sorted(runs)] for filler, runs in found.items()}

    @property
    def reference_label(self) -> str:
        """Label of the reference cell."""
        return self.find(self.reference)[0] if self.reference else next(iter(self.cells))

    def find(self, wanted: Mapping[str, Any]) -> tuple[str, list[Record]]:
        """The one cell, or classical baseline, that has the wanted options.

        Args:
            wanted: Option -> value; options that are left out may have any value.

        Raises:
            ValueError: No cell or several have them.
        """
        if BASELINE in wanted:
            name = str(wanted[BASELINE]).replace("_", " ")
            found = {k: v for k, v in self.baselines.items() if k.split(" (")[0] == name}
        else:
            texts = {key: as_text(value) for key, value in wanted.items()}
            found = {
                name: runs
                for name, runs in self.cells.items()
                if texts.items() <= runs[0].cell.items()
            }
        if len(found) != 1:
            raise ValueError(
                f"expected {label({k: as_text(v) for k, v in wanted.items()})} to be one cell of "
                f"the sweep, got {len(found)} of {', '.join([*self.cells, *self.baselines])}"
            )
        return next(iter(found.items()))


def read_sweep(folder: Path, reference: Mapping[str, Any], varies: Sequence[str]) -> Sweep:
    """Read a sweep as ``python src/train.py -m ...`` or ``ablation=...`` leaves it.

    Args:
        folder: Holds ``multirun.yaml`` and a folder per run. Without the former only runs that
            started are known.
        reference: See :class:`~farfill.ablation.sweep.Sweep`; empty: the question's.
        varies: Likewise; added to the question's.

    Raises:
        ValueError: There is no run, or two finished runs of one cell and seed.
    """
    planned = [options(job) for job in plan_of(folder / PLAN)]
    found = {path.parent.parent: path for path in sorted(folder.glob("*/.hydra/overrides.yaml"))}
    started = {run: options(map(str, OmegaConf.load(path))) for run, path in found.items()}
    if not planned and not started:
        raise ValueError(f"expected a sweep's folder with {PLAN} or runs in it, got {folder}")
    # A run that was repeated by hand may have been given other overrides for the same values.
    swept = swept_options(planned) or swept_options([*planned, *started.values()])

    records: dict[tuple[str, int], Record] = {}
    question: Mapping[str, Any] = {}
    for run, chosen in started.items():
        raw = _load(run / ".hydra" / "config.yaml")
        question = question or raw.get("question") or {}
        record = read_record(run, cell_of(chosen, swept), int(raw[SEED]), flat(raw))
        key = (record.label, record.seed)
        records[key] = _better(records.get(key), record)
    usual = next(iter(records.values())).seed if records else 0
    for chosen in planned:
        record = Record(cell_of(chosen, swept), int(chosen.get(SEED, usual)))
        records.setdefault((record.label, record.seed), record)
    order = {
        Record(cell_of(chosen, swept), 0).label: n for n, chosen in reversed([*enumerate(planned)])
    }
    ordered = sorted(records.values(), key=lambda one: (order.get(one.label, len(order)), one.seed))
    return Sweep(
        records=ordered,
        question=question,
        reference=reference or question.get("reference", {}),
        varies=[*question.get("varies", ()), *varies],
    )


def require_comparable(sweep: Sweep) -> None:
    """Refuse to compare runs that differ in anything but the swept options.

    Raises:
        ValueError: There is no run, pictures or holes differ between cells of one seed, pictures
            differ between seeds, or configurations differ in other keys; names them.
    """
    if not sweep.records:
        raise ValueError("expected a sweep with at least one run, got none")
    _check_pairing([record for record in sweep.records if record.manifest])
    _check_configurations(sweep)


def _check_pairing(records: Sequence[Record]) -> None:
    by_seed: dict[int, Record] = {}
    for record in records:
        other = by_seed.setdefault(record.seed, record)
        if other.manifest != record.manifest:
            raise ValueError(
                f"expected all cells of seed {record.seed} to be scored on the same pictures and "
                f"holes, got manifest {other.manifest} in {other.folder} and {record.manifest} in "
                f"{record.folder}: the comparison would not be paired"
            )
        if records[0].pictures != record.pictures:
            raise ValueError(
                f"expected all seeds to be scored on the same pictures, got others in "
                f"{records[0].folder} than in {record.folder}"
            )


def _check_configurations(sweep: Sweep) -> None:
    swept = {key for record in sweep.records for key in record.cell}
    free = (*swept, *sweep.varies, *HARMLESS, "seed")
    configs = [
        {key: value for key, value in record.config.items() if not below(key, free)}
        for record in sweep.records
        if record.config
    ]
    missing = object()
    differing = sorted(
        key
        for key in {key for config in configs for key in config}
        if any(config.get(key, missing) != configs[0].get(key, missing) for config in configs)
    )
    if differing:
        raise ValueError(
            "expected the cells to differ in nothing but "
            f"{', '.join(sorted(swept)) or 'the seed'}, but they differ in {', '.join(differing)}; "
            "if the swept options are meant to change these, name them in `question.varies` or "
            "with --varies"
        )


def _load(path: Path) -> dict[str, Any]:
    """A configuration as plain dictionaries; interpolations stay as they were written."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(path), resolve=False))


def _better(one: Record | None, other: Record) -> Record:
    """The finished one of two runs of a cell and seed: a failed run may have been repeated."""
    if one is None:
        return other
    if usable(one) and usable(other):
        raise ValueError(
            f"expected one finished run of {one.label} with seed {one.seed}, got {one.folder} and "
            f"{other.folder}: move one of them away"
        )
    return one if usable(one) else other
