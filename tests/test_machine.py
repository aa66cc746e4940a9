"""What memory there is, whoever limits it; files and environments are made up."""

import platform
import subprocess
import sys
from types import SimpleNamespace

import pytest
import torch

from farfill import machine

GIB = 2**30


@pytest.fixture(autouse=True)
def limits(tmp_path, monkeypatch):
    """A machine of 64 GiB, 40 of them available, without other limits; writes those of groups."""
    ram = SimpleNamespace(total=64 * GIB, available=40 * GIB)
    own = SimpleNamespace(memory_info=lambda: SimpleNamespace(rss=GIB))
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: ram)
    monkeypatch.setattr(machine.psutil, "Process", lambda: own)
    monkeypatch.setattr(machine, "_OWN_GROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(machine, "_GROUPS", tmp_path / "sys")
    for name in ("MEM_PER_NODE", "MEM_PER_CPU", "CPUS_ON_NODE"):
        monkeypatch.delenv(f"SLURM_{name}", raising=False)

    def write(groups, **files):
        (tmp_path / "cgroup").write_text(groups)
        for name, content in files.items():
            path = tmp_path / "sys" / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(str(content))

    return write


def group_of_version_1(folder: str, limit: int, used: int, cached: int) -> dict:
    return {
        f"{folder}__memory.limit_in_bytes": limit,
        f"{folder}__memory.usage_in_bytes": used,
        f"{folder}__memory.stat": f"cache 1\ninactive_file 7\ntotal_inactive_file {cached}\n",
    }


def group_of_version_2(folder: str, limit: object, used: int, cached: int) -> dict:
    return {
        f"{folder}__memory.max": limit,
        f"{folder}__memory.current": used,
        f"{folder}__memory.stat": f"anon 1\ninactive_file {cached}\nactive_file 3\n",
    }


def test_without_limits_it_is_what_the_system_can_make_free():
    assert machine.memory() == (64 * GIB, 40 * GIB)


def test_the_tightest_of_all_groups_around_counts_and_its_file_cache_is_free(limits):
    limits(
        "0::/slurm/job/step\n",
        **group_of_version_2("slurm", 8 * GIB, 7 * GIB, 2 * GIB),
        **group_of_version_2("slurm__job", 16 * GIB, 6 * GIB, 0),
        **group_of_version_2("slurm__job__step", "max", 6 * GIB, 0),
    )
    assert machine.memory() == (8 * GIB, 3 * GIB)


def test_in_a_container_the_group_lies_at_the_root(limits):
    groups = "4:cpu,memory:/docker/0123\n3:cpu:/docker/0123\n0::/\n"
    limits(groups, **group_of_version_1("memory", 4 * GIB, 3 * GIB, GIB))
    assert machine.memory() == (4 * GIB, 2 * GIB)


def test_a_group_without_a_limit_changes_nothing(limits):
    limits("4:memory:/a\n", **group_of_version_1("memory__a", 2**63 - 4096, 3 * GIB, GIB))
    assert machine.memory() == (64 * GIB, 40 * GIB)


@pytest.mark.parametrize(
    ("variables", "total"),
    [
        ({"MEM_PER_NODE": 3072}, 3),
        ({"MEM_PER_CPU": 1024, "CPUS_ON_NODE": 4}, 4),
        ({"MEM_PER_NODE": 0}, 64),
        ({"MEM_PER_CPU": 1024}, 64),
        ({"MEM_PER_NODE": "all"}, 64),
    ],
)
def test_slurm_tells_what_a_job_may_have(monkeypatch, variables, total):
    for name, value in variables.items():
        monkeypatch.setenv(f"SLURM_{name}", str(value))
    assert machine.memory() == (total * GIB, 40 * GIB if total == 64 else (total - 1) * GIB)


def test_more_than_all_is_used_up(limits):
    limits("0::/\n", **group_of_version_2(".", GIB, 2 * GIB, 0))
    assert machine.memory() == (GIB, 0)


def test_a_device_is_found_or_refused_with_a_way_out():
    assert machine.find_device("cpu") == torch.device("cpu")
    assert machine.find_device("auto").type in ("cpu", "cuda")
    with pytest.raises(ValueError, match=r"`device`=toaster cannot be used here .*say device=cpu"):
        machine.find_device("toaster")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries keep memory")
def test_large_tensors_take_the_memory_of_earlier_ones():
    code = """
import resource, sys, torch
from farfill.machine import tune_processor
if sys.argv[1] == "tuned":
    tune_processor()
for number in range(40):
    if number == 30:  # by then the heap has room for one
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    torch.ones(80 * 2**18).sum()  # 80 MiB
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""
    plain, tuned = (
        int(subprocess.check_output([sys.executable, "-c", code, how]))
        for how in ("plain", "tuned")
    )
    assert plain >= 10 * 80 * 2**20 // 2**21  # a fault for every page, however large
    assert tuned < plain / 2
