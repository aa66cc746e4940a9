"""Time rivals in turn, so that a noisy machine is noisy for all of them."""

from __future__ import annotations

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile


def in_turn(rivals: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median seconds of each rival; every round runs all of them, after one that does not count."""
    seconds: dict[str, list[float]] = {name: [] for name in rivals}
    for count in range(rounds + 1):
        for name, run in rivals.items():
            start = time.perf_counter()
            run()
            if count:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def live_peak(run: Callable[[], object]) -> float:
    """Megabytes of tensors that ``run`` holds at most, whatever the allocator keeps besides."""
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as recorded:
        run()
    events = recorded.profiler.kineto_results.events()  # type: ignore[union-attr]
    changes = [event for event in events if event.name() == "[memory]"]
    held = highest = 0
    for event in sorted(changes, key=lambda event: event.start_ns()):
        held += event.nbytes()
        highest = max(highest, held)
    return highest / 2**20


def peak_in_child(*arguments: str) -> float:
    """Megabytes that a child process running this script with ``arguments`` takes at most."""
    environment = {**os.environ, "OMP_NUM_THREADS": str(torch.get_num_threads())}
    command = [sys.executable, sys.argv[0], "--peak", *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return float(done.stdout.split()[-1])


def peak_of(run: Callable[[], object]) -> float:
    """Megabytes by which ``run`` raises this process's peak."""
    before = _peak()
    run()
    return _peak() - before


def _peak() -> float:
    # Not getrusage: a child starts with its parent's peak there.
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def machine() -> str:
    """Processor, threads and versions."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    model = next((x.split(":")[1].strip() for x in lines if x.startswith("model name")), "")
    half = torch.backends.cpu.get_cpu_capability()
    return (
        f"{model or platform.processor()}, {torch.get_num_threads()} threads, {half}, "
        f"torch {torch.__version__}, Python {platform.python_version()}"
    )


def commit() -> str:
    """Of the checkout, or "unknown"."""
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.strip() or "unknown"
