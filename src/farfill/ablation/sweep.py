"""The runs of a sweep as cells of a table, and the refusal to compare what cannot be compared."""

from bisect import insort
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from farfill.config.arguments import flat, is_under
from farfill.rundir.record import (
    OURS,
    PLAN,
    Record,
    as_text,
    label,
    options,
    read_record,
    usable,
)
from farfill.rundir.status import BEGUN
from farfill.sweep.plan import SEED, cell_of, plan_of, swept_options
from farfill.sweep.runs import started_runs

#: Keys that may differ between cells: they change what is written, not what is learnt.
HARMLESS = (
    *("question", "logger", "pictures", "ckpt_path", "sweep", SEED),
    *("datamodule.workers", "trainer.enable_progress_bar"),
)
BASELINE = "baseline"  # a claim's side that is no cell: {baseline: telea}


@dataclass(frozen=True)
class Sweep:
    """Every run of a sweep, those that failed or never started too."""

    records: Sequence[Record]  # one per cell and seed
    #: What the ablation asks, as ``ablations/<name>.yaml`` has it; may be empty.
    question: Mapping[str, Any] = field(default_factory=dict)
    #: Options of the cell that the others are compared with; empty: the first cell.
    reference: Mapping[str, Any] = field(default_factory=dict)
    varies: Sequence[str] = ()  # keys that the swept options change besides their own

    @cached_property
    def cells(self) -> dict[str, list[Record]]:
        """Label -> runs by seed, in the order of the sweep."""
        cells: dict[str, list[Record]] = {}
        for record in self.records:
            insort(cells.setdefault(record.label, []), record, key=lambda run: run.seed)
        return cells

    @cached_property
    def baselines(self) -> dict[str, list[Record]]:
        """Classical baseline -> scores by seed: the same in all cells, so one of them is enough."""
        baselines: dict[str, dict[int, Record]] = {}
        for run in sorted(self.records, key=lambda run: run.seed):
            for title, scores in run.scores.items():
                if title != OURS:
                    cell = {BASELINE: title.split(" (")[0].replace(" ", "_")}
                    own = {OURS: scores}
                    record = Record(cell, run.seed, run.folder, scores=own, clusters=run.clusters)
                    baselines.setdefault(title, {}).setdefault(run.seed, record)
        return {title: [*by_seed.values()] for title, by_seed in baselines.items()}

    @property
    def reference_label(self) -> str:
        """Label of the reference cell."""
        return self.find(self.reference)[0] if self.reference else next(iter(self.cells))

    def find(self, wanted: Mapping[str, Any]) -> tuple[str, list[Record]]:
        """Label and runs of the one cell or baseline with these options (else ``ValueError``)."""
        texts = {key: as_text(value) for key, value in wanted.items()}
        rows = {**self.cells, **self.baselines}
        matches = [(k, v) for k, v in rows.items() if texts.items() <= v[0].cell.items()]
        if len(matches) != 1:
            raise ValueError(
                f"expected {label(texts)} to be one cell of the sweep, got {len(matches)} of "
                f"{', '.join(rows)}"
            )
        return matches[0]


def read_sweep(folder: Path, reference: Mapping[str, Any], varies: Sequence[str]) -> Sweep:
    """Read a sweep as ``python src/train.py -m ...`` or ``ablation=...`` leaves it.

    Without ``multirun.yaml`` in ``folder`` only runs that started are known. An empty ``reference``
    is the question's; ``varies`` adds to the question's, see :class:`Sweep`.

    Raises:
        ValueError: There is no run, or two finished runs of one cell and seed.
    """
    planned = [options(job) for job in plan_of(folder / PLAN)]
    started = {run: options(given) for run, given in started_runs(folder).items()}
    if not planned and not started:
        raise ValueError(f"expected a sweep's folder with {PLAN} or runs in it, got {folder}")
    # A run that was repeated by hand may have been given other overrides for the same values.
    swept = swept_options(planned) or swept_options([*planned, *started.values()])

    question: Mapping[str, Any] = {}
    runs = []
    for run, job in started.items():
        # Interpolations stay as they were written. Hydra's own file is of the last command, one
        # that was refused included.
        files = [run / name for name in (BEGUN, ".hydra/config.yaml") if (run / name).is_file()]
        if not files:
            continue
        config: Any = OmegaConf.to_container(OmegaConf.load(files[0]))
        question = question or config.get("question") or {}
        if str(config[SEED]).isdecimal():  # else the run itself was refused
            runs.append(read_record(run, cell_of(job, swept), int(config[SEED]), flat(config)))
    usual = str(runs[0].seed if runs else 0)
    seeds = [(job, job.get(SEED, usual)) for job in planned]
    missing = [Record(cell_of(job, swept), int(seed)) for job, seed in seeds if seed.isdecimal()]
    records: dict[tuple[str, int], Record] = {}
    for record in (*missing, *runs):
        other = records.get((record.label, record.seed))
        if other and usable(other) and usable(record):
            raise ValueError(
                f"expected one finished run of {record.label} with seed {record.seed}, got "
                f"{other.folder} and {record.folder}: move one of them away"
            )
        if not other or not usable(other):  # it never started, or was repeated
            records[record.label, record.seed] = record
    return Sweep(
        [*records.values()],
        question=question,
        reference=reference or question.get("reference", {}),
        varies=[*question.get("varies", ()), *varies],
    )


def require_comparable(sweep: Sweep) -> None:
    """Refuse with a ``ValueError`` runs that differ in anything but the swept options.

    Holes have to be the same in all cells of a seed, pictures in all runs.
    """
    if not sweep.records:
        raise ValueError("expected a sweep with at least one run, got none")
    scored = [record for record in sweep.records if record.manifest]
    by_seed: dict[int, Record] = {}
    for record in scored:
        other = by_seed.setdefault(record.seed, record)
        if other.manifest != record.manifest:
            raise ValueError(
                f"expected all cells of seed {record.seed} to be scored on the same pictures and "
                f"holes, got manifest {other.manifest} in {other.folder} and {record.manifest} in "
                f"{record.folder}: the comparison would not be paired"
            )
        if scored[0].pictures != record.pictures:
            raise ValueError(
                f"expected all seeds to be scored on the same pictures, got others in "
                f"{scored[0].folder} than in {record.folder}"
            )
    swept = sorted({key for record in sweep.records for key in record.cell})
    configs = [record.config for record in sweep.records if record.config]
    differing = [
        key
        for key in sorted({key for config in configs for key in config})
        if not is_under(key, (*swept, *sweep.varies, *HARMLESS))
        and any(config.get(key, ...) != configs[0].get(key, ...) for config in configs)
    ]
    if differing:
        raise ValueError(
            f"expected the cells to differ in nothing but {', '.join(swept) or 'the seed'}, but "
            f"they differ in {', '.join(differing)}; if the swept options are meant to change "
            "these, name them in `question.varies` or with --varies"
        )
