"""Measure the suite against plain implementations, in turn, on this machine.

python benchmarks/run.py                      everything, about ten minutes on two cores
python benchmarks/run.py attention            one part: attention, inference, training or scaling
python benchmarks/run.py --rounds 15          more rounds: steadier medians

Writes benchmarks/results/<part>.json and .md, and .svg pictures of cost against size.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path

import cases
from matplotlib import style
from matplotlib.figure import Figure
from timing import commit, in_turn, live_peak, machine, peak_in_child, peak_of

from farfill.ablation.chart import STYLE, written
from farfill.evaluation.table import markdown_table
from farfill.files import atomic
from farfill.inpainting.partial import multiplications_per_second
from farfill.machine import tune_processor

RESULTS = Path(__file__).parent / "results"
SIZES = {
    "attention": (64, 128),
    "attention_training": (32, 64),
    "inference": (256, 512),
    "training": (128, 256),
}
SCALING = (32, 48, 64, 96, 128, 192)
Rows = list[dict[str, float | str]]
MAKERS: dict[str, Callable[[int], cases.Cases]] = {name: getattr(cases, name) for name in SIZES}


def main() -> None:
    """Read the command line and measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("part", nargs="*", help=", ".join([*SIZES, *OTHERS]))
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    tune_processor()
    if arguments.peak:
        part, size, rival = arguments.part
        print(peak_of(MAKERS[part](int(size))[rival]))
        return
    for part in arguments.part or [*SIZES, *OTHERS]:
        if part not in SIZES and part not in OTHERS:
            parser.error(f"{part} is not one of {', '.join([*SIZES, *OTHERS])}")
        if part in OTHERS:
            measure, rounds = OTHERS[part]
            write(part, measure(), rounds)
        else:
            write(part, compare(part, arguments.rounds), arguments.rounds)


def compare(part: str, rounds: int) -> Rows:
    """Every rival at every size of a part."""
    rows: Rows = []
    for size in SIZES[part]:
        rivals = MAKERS[part](size)
        best, work = cases.convolution()
        seconds = in_turn({**rivals, "convolution": best}, rounds)
        speed = work / seconds.pop("convolution")
        for name, median in seconds.items():
            row: dict[str, float | str] = {
                "size": size,
                "rival": name,
                "seconds": round(median, 4),
                "times faster": round(seconds[cases.PLAIN] / median, 2),
                "added MB": round(peak_in_child(part, str(size), name)),
            }
            if part == "inference" and "whole" in name and "float32" in name:
                done = cases.convolution_work(size)
                row["share of the best convolution"] = round(done / median / speed, 2)
            rows.append(row)
            print(row, flush=True)
    return rows


def scaling() -> Rows:
    """Time and memory of the layer against the side of the feature map."""
    rows: Rows = []
    for size in SCALING:
        rivals = cases.attention(size)
        if size > SIZES["attention"][-1]:
            del rivals[cases.PLAIN]
        for name, median in in_turn(rivals, 3).items():
            rows.append(
                {
                    "size": size,
                    "rival": name,
                    "seconds": round(median, 4),
                    "live MB": round(live_peak(rivals[name])),
                    "added MB": round(peak_in_child("attention", str(size), name)),
                }
            )
            print(rows[-1], flush=True)
    return rows


def estimate() -> Rows:
    """What filling a picture takes, and the guess before it; each case once, as a user does."""
    rows: Rows = []
    for name, (run, guesses) in cases.filling().items():
        multiplications_per_second.cache_clear()  # as in a process of its own
        start, used = time.perf_counter(), time.process_time()
        run()
        seconds, used = time.perf_counter() - start, time.process_time() - used
        rows.append(
            {
                "picture": name,
                "seconds of the processor": round(used, 2),
                "seconds": round(seconds, 2),
                "guess": round(guesses[-1].seconds, 2),
                "times the guess": round(seconds / guesses[-1].seconds, 2),
            }
        )
        print(rows[-1], flush=True)
    return rows


#: Parts of other kinds, and their rounds.
OTHERS: dict[str, tuple[Callable[[], Rows], int]] = {
    "scaling": (scaling, 3),
    "estimate": (estimate, 1),
}


def write(part: str, rows: Rows, rounds: int) -> None:
    """Write one part's results, each file whole."""
    about = f"`{commit()}`, {machine()}, "
    about += f"median of {rounds} rounds in turn" if rounds > 1 else "each once"
    titles = list(dict.fromkeys(title for row in rows for title in row))
    texts = [number for number, title in enumerate(titles) if title in ("rival", "picture")]
    table = markdown_table(
        titles, ([row.get(title, "") for title in titles] for row in rows), texts
    )
    added = "; added MB: by which a process of its own grew" if "added MB" in titles else ""
    text = f"# {part}\n\n{about}{added}.\n\n"
    files = {
        f"{part}.json": json.dumps({"about": about, "rows": rows}, indent=1) + "\n",
        f"{part}.md": text + table + "\n",
    }
    if part == "scaling":
        files |= {
            f"scaling_{key.split()[0]}.svg": plot(rows, key) for key in ("seconds", "live MB")
        }
    for name, content in files.items():
        with atomic(RESULTS / name) as whole:
            whole.write_text(content, encoding="utf-8")


def plot(rows: Rows, key: str) -> str:
    """Cost against the number of positions, both axes logarithmic: a square has slope 2."""
    names = list(dict.fromkeys(str(row["rival"]) for row in rows))
    with style.context(STYLE):
        figure = Figure(figsize=(5, 3.2), layout="constrained")
        axes = figure.add_subplot(xlabel="positions", ylabel=key, xscale="log", yscale="log")
        for name in names:
            points = [
                (float(row["size"]) ** 2 / 4, float(row[key]))
                for row in rows
                if row["rival"] == name and float(row[key]) > 0
            ]
            axes.plot(*zip(*points, strict=True), marker=".", label=name)
        axes.legend(frameon=False)
        return written(figure, "svg").decode()


if __name__ == "__main__":
    main()
