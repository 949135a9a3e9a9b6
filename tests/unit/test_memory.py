from __future__ import annotations

import pytest

from styler import memory
from styler.memory import available_memory, memory_kills, peak_memory, resident_memory, total_memory, trim

MACHINE = "MemTotal: 8000 kB\nMemAvailable:    4000 kB\n"


@pytest.fixture
def system(tmp_path):
    """Writes files below a root as the kernel shows them."""

    def written(**files):
        for name, text in {"proc/meminfo": MACHINE, **files}.items():
            path = tmp_path / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


def group(version, limit, used, reclaimable=0, path="/box/job", kills=0):
    if version == 2:
        folder = f"sys/fs/cgroup{path}"
        files = {"memory.max": limit, "memory.current": used, "memory.events": f"oom 1\noom_kill {kills}\n"}
        stat, line = "inactive_file", f"0::{path}\n"
    else:
        folder = f"sys/fs/cgroup/memory{path}"
        files = {
            "memory.limit_in_bytes": limit,
            "memory.usage_in_bytes": used,
            "memory.oom_control": f"under_oom 0\noom_kill {kills}\n",
        }
        stat, line = "total_inactive_file", f"5:cpu,cpuacct:{path}\n4:memory:{path}\n0::/\n"
    files["memory.stat"] = f"cache 5\n{stat} {reclaimable}\n"
    return {f"{folder}/{name}": f"{text}\n" for name, text in files.items()} | {"proc/self/cgroup": line}


def test_without_groups_the_machine_counts(system):
    assert available_memory(system()) == 4000 * 1024


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("limit", "used", "reclaimable", "expected"),
    [
        (2**20, 2**19, 0, 2**19),
        (2**20, 2**19, 2**18, 2**19 + 2**18),
        (2**20, 2**21, 0, 0),
        (2**40, 0, 0, 4000 * 1024),
    ],
)
def test_a_group_leaves_its_limit_less_what_is_used(system, version, limit, used, reclaimable, expected):
    assert available_memory(system(**group(version, limit, used, reclaimable))) == expected


@pytest.mark.parametrize(("version", "none"), [(1, 9223372036854771712), (2, "max")])
def test_a_group_without_a_limit_does_not_count(system, version, none):
    assert available_memory(system(**group(version, none, 5))) == 4000 * 1024


@pytest.mark.parametrize("version", [1, 2])
def test_groups_around_it_count_too(system, version):
    inner, outer = group(version, 2**21, 0), group(version, 2**20, 2**18, path="/box")
    assert available_memory(system(**{**outer, **inner})) == 2**20 - 2**18


@pytest.mark.parametrize("version", [1, 2])
def test_within_a_container_the_mount_itself_is_the_group(system, version):
    """The path of the host does not exist there."""
    files = group(version, 2**20, 0, path="")
    root = system(**{**files, "proc/self/cgroup": files["proc/self/cgroup"].replace("\n", "/docker/5f\n")})
    assert available_memory(root) == 2**20


def test_a_group_that_slows_down_before_its_limit_counts(system):
    files = {**group(2, 2**21, 0), "sys/fs/cgroup/box/job/memory.high": f"{2**20}\n"}
    assert available_memory(system(**files)) == 2**20


def test_the_limit_of_the_process_itself_counts(system, monkeypatch):
    limits = {memory.resource.RLIMIT_AS: 2**21, memory.resource.RLIMIT_DATA: memory.resource.RLIM_INFINITY}
    monkeypatch.setattr(memory.resource, "getrlimit", lambda kind: (limits[kind], memory.resource.RLIM_INFINITY))
    root = system(**{"proc/self/status": "VmSize:     1024 kB\nVmData:      100 kB\n"})
    assert available_memory(root) == 2**20


def test_a_container_is_as_large_as_its_smallest_limit(system):
    assert total_memory(system()) == 8000 * 1024
    inner, outer = group(2, "max", 0), group(2, 2**20, 2**18, path="/box")
    assert total_memory(system(**{**outer, **inner})) == 2**20


def test_nothing_is_known_of_an_unknown_system(tmp_path):
    assert available_memory(tmp_path) is None
    assert memory_kills(tmp_path) == 0


@pytest.mark.parametrize("version", [1, 2])
def test_kills_for_want_of_memory_are_counted(system, version):
    assert memory_kills(system(**group(version, 2**20, 0, kills=3))) == 3


def test_this_process_is_measured_in_bytes():
    assert 2**24 < resident_memory() <= peak_memory() < 2**38


def test_free_memory_can_be_given_back_on_any_system(monkeypatch):
    trim()
    monkeypatch.setattr(memory.ctypes, "CDLL", lambda name: object())
    trim()
