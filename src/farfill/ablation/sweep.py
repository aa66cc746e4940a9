"""The runs of a sweep as cells of a table, and the refusal to compare what cannot be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from farfill.ablation.record import OURS, Record, label
from farfill.ablation.stability import diverged
from farfill.keys import below

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


def state(record: Record) -> str:
    """``missing``, ``failed``, ``diverged`` or ``finished``."""
    if record.folder is None:
        return "missing"
    if diverged(record):
        return "diverged"
    return "finished" if record.scores else "failed"


def usable(record: Record) -> bool:
    """Whether a run's scores may enter a mean."""
    return state(record) == "finished"


def as_text(value: Any) -> str:
    """A configured value as the command line has it: ``null``, ``true``, ``[a,b]``, ``0.5``."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if not isinstance(value, str) and isinstance(value, Sequence):
        return f"[{','.join(as_text(item) for item in value)}]"
    return str(value).replace(" ", "").replace("'", "").replace('"', "")


def check(sweep: Sweep) -> None:
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
