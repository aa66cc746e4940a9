"""What Hydra left in a sweep's folder: which runs were planned, and which there are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from farfill.ablation.record import Record, read_record
from farfill.ablation.sweep import Sweep, as_text, usable
from farfill.keys import flat

SEED = "seed"
PLAN = "multirun.yaml"


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


def jobs_of(config: DictConfig) -> list[list[str]]:
    """Overrides of every job of a sweep, in its order, as Hydra's own sweeper makes them.

    Of a search (``hydra/sweeper=optuna``) only those that stay the same in all trials are known.

    Args:
        config: Whole configuration with its ``hydra`` node.
    """
    hydra: Any = {
        name: OmegaConf.to_container(config.hydra[name]) for name in ("sweeper", "overrides")
    }
    sweeper, task = hydra["sweeper"], hydra["overrides"]["task"]
    texts = [f"{key}={value}" for key, value in (sweeper.get("params") or {}).items()]
    parse = OverridesParser.create().parse_overrides
    if is_search(config):
        fixed = [str(one.input_line) for one in parse(task) if not one.is_sweep_override()]
        return [fixed] * sweeper["n_trials"]
    return BasicSweeper.split_arguments(parse([*texts, *task]), None)[0]


def is_search(config: DictConfig) -> bool:
    """Whether a sweep finds its values as it goes (``hydra/sweeper=optuna``)."""
    return "n_trials" in config.hydra.sweeper


def options(overrides: Iterable[str]) -> dict[str, str]:
    """``["gan=hinge", "+seed=1"]`` as option -> value; the last of several counts."""
    pairs = (override.partition("=") for override in overrides)
    return {key.lstrip("+"): as_text(value) for key, _, value in pairs}


def plan_of(path: Path) -> list[list[str]]:
    """Overrides of every job of a sweep's ``multirun.yaml``; none without one."""
    return jobs_of(cast(DictConfig, OmegaConf.load(path))) if path.is_file() else []


def swept_options(jobs: Sequence[Mapping[str, str]]) -> list[str]:
    """Options with more than one value, in the order in which they were given."""
    keys = dict.fromkeys(key for job in jobs for key in job if key != SEED)
    return [key for key in keys if len({job.get(key) for job in jobs}) > 1]


def _load(path: Path) -> dict[str, Any]:
    """A configuration as plain dictionaries; interpolations stay as they were written."""
    return cast(dict[str, Any], OmegaConf.to_container(OmegaConf.load(path), resolve=False))


def cell_of(job: Mapping[str, str], swept: Sequence[str]) -> dict[str, str]:
    """The swept options of one job."""
    return {key: job[key] for key in swept if key in job}


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
