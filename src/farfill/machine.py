"""This machine: device, memory, processor."""

import ctypes
import os
import platform
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import psutil
import torch

_OWN_GROUPS = Path("/proc/self/cgroup")
_GROUPS = Path("/sys/fs/cgroup")


def find_device(name: str) -> torch.device:
    """Turn ``auto``, ``cpu``, ``cuda``, ``cuda:1`` ... into a device that works.

    Raises:
        ValueError: If there is no such device here.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        message = f"`device`={name} cannot be used here ({reason}); say device=cpu"
        raise ValueError(message) from error
    return device


class Memory(NamedTuple):
    """Bytes that something lets this process have: in all, and still."""

    total: float
    available: float


def memory() -> Memory:
    """What this process can have: what the machine, its control groups and SLURM leave it."""
    machine = psutil.virtual_memory()
    limits = [Memory(machine.total, machine.available), *_control_groups(), *_slurm_job()]
    return Memory(*(max(0.0, min(amounts)) for amounts in zip(*limits, strict=True)))


def _control_groups() -> Iterator[Memory]:
    """Limits of this process's control groups and those around them, versions 1 and 2."""
    lines = _OWN_GROUPS.read_text().splitlines() if _OWN_GROUPS.exists() else []
    for _, controllers, group in (line.split(":", 2) for line in lines):
        if not controllers:
            root, names = _GROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root = _GROUPS / "memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        place = root / group.lstrip("/")  # in a container its upper part may not be there
        for folder in (place, *place.parents[: len(place.parents) - len(root.parents)]):
            try:
                limit, used = (float((folder / name).read_text()) for name in names[:2])
                counts = dict(map(str.split, (folder / "memory.stat").read_text().splitlines()))
                cached = float(counts[names[2]])  # counted as used, given back when it is needed
            except (OSError, ValueError, KeyError):  # not there, or `max`: no limit
                continue
            yield Memory(limit, limit - used + cached)


def _slurm_job() -> Iterator[Memory]:
    """What SLURM gives a job on this node, if it says so; 0 is all there is."""
    per_node, per_cpu, cpus = (
        int(value) if (value := os.environ.get(f"SLURM_{name}", "")).isdecimal() else 0
        for name in ("MEM_PER_NODE", "MEM_PER_CPU", "CPUS_ON_NODE")
    )
    if limit := (per_node or per_cpu * cpus) << 20:
        yield Memory(limit, limit - psutil.Process().memory_info().rss)


def tune_processor() -> None:
    """Treat denormal numbers, which are slow, as zero, and keep memory for the next tensor.

    The C library returns a tensor of more than 32 MiB to the system at once, which then fills the
    next one with zeros, page by page: half of the time of a large attention. Here tensors up to a
    sixteenth of the memory, at most 1 GiB, reuse what waits, up to twice as much.
    """
    torch.set_flush_denormal(True)
    if platform.libc_ver()[0] == "glibc":
        libc, largest = ctypes.CDLL(None), min(2**30, int(memory().total) // 16)
        libc.mallopt(-1, 2 * largest - 1)  # M_TRIM_THRESHOLD, bytes; a C int holds no more
        libc.mallopt(-3, largest)  # M_MMAP_THRESHOLD, bytes
