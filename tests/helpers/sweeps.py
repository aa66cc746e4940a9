"""Sweep folders with known numbers, written as Hydra and a training leave them."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import yaml

OURS, TELEA = "this run", "telea (classical baseline)"
PICTURES = 12


def write_plan(folder: Path, params: dict[str, str], *task: str) -> None:
    """The ``multirun.yaml`` of a sweep with these ``hydra.sweeper.params`` and overrides."""
    folder.mkdir(parents=True, exist_ok=True)
    plan = {"hydra": {"sweeper": {"params": params or None}, "overrides": {"task": list(task)}}}
    (folder / "multirun.yaml").write_text(yaml.safe_dump(plan))


def write_run(
    folder: Path,
    overrides: list[str],
    config: dict[str, Any],
    l1: float | None = 0.1,
    curves: dict[str, list[float]] | None = None,
    manifest: str | None = None,
    noise: float = 0.001,
) -> Path:
    """One run; ``l1`` None leaves no report behind, as a run that failed.

    Every picture's L1 is ``l1`` plus a part of its own, which all runs share, plus noise.
    """
    (folder / ".hydra").mkdir(parents=True)
    (folder / ".hydra" / "overrides.yaml").write_text(yaml.safe_dump(overrides))
    (folder / ".hydra" / "config.yaml").write_text(yaml.safe_dump(config))
    seed = config["seed"]
    curves = {"val/l1_hole": [0.3, 0.2, 0.1], **(curves or {})}
    write_metrics(folder / "metrics.csv", curves)
    if l1 is not None:
        rng = np.random.default_rng([seed, round(l1 * 1e6)])
        own = np.linspace(0, 0.05, PICTURES)
        ours = l1 + own + noise * rng.standard_normal(PICTURES)
        rows = [
            (filler, n, f"{n}.png", value, 20.0)
            for filler, values in ((OURS, ours), (TELEA, own + 0.2))
            for n, value in enumerate(values)
        ]
        (folder / "report").mkdir()
        with (folder / "report" / "per_image.csv").open("w", newline="") as lines:
            writer = csv.writer(lines)
            writer.writerow(["filler", "index", "name", "l1_hole", "psnr_full"])
            writer.writerows(rows)
        hashed = {"hash": manifest or f"manifest-{seed}"}
        (folder / "report" / "manifest.json").write_text(json.dumps(hashed))
    return folder


def write_metrics(path: Path, curves: dict[str, list[float]]) -> None:
    """A ``metrics.csv`` with each curve's values at steps 10, 20, 30 ..., rows of its own."""
    names = ["step", *curves]
    with path.open("w", newline="") as lines:
        writer = csv.DictWriter(lines, names)
        writer.writeheader()
        for name, values in curves.items():
            for number, value in enumerate(values, start=1):
                step = number * 10
                writer.writerow({"step": step, name: value})


def gan_sweep(folder: Path, l1: dict[str, float | None], seeds: int = 3, **question: Any) -> Path:
    """A whole sweep ``gan=... seed=...``; a cell with L1 None failed with every seed."""
    seed_list = ",".join(str(seed) for seed in range(1, seeds + 1))
    write_plan(folder, {"gan": ",".join(l1), "seed": seed_list}, "ablation=gan")
    number = 0
    for gan, value in l1.items():
        for seed in range(1, seeds + 1):
            gan_run(folder / str(number), gan, seed, l1=value, **question)
            number += 1
    return folder


def gan_run(folder: Path, gan: str, seed: int, **settings: Any) -> Path:
    """One run of :func:`gan_sweep`; settings of :func:`write_run`, and ``question``, ``config``."""
    config = {
        "gan": {"_target_": f"farfill.gan.{gan}", "weight": 0.001},
        "generator": {"attention": "${attention}"},
        "seed": seed,
        "batch_size": 8,
        "question": settings.pop("question", {}),
        **settings.pop("config", {}),
    }
    return write_run(folder, [f"gan={gan}", f"seed={seed}", "ablation=gan"], config, **settings)


def claim(left: str, right: str, expects: str, metric: str = "l1_hole", **more: Any) -> dict:
    sides = {"left": {"gan": left}, "right": {"gan": right}}
    return {"says": f"{left} is {expects}", "metric": metric, **sides, "expects": expects, **more}
