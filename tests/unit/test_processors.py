from __future__ import annotations

import pytest

from styler import processors
from styler.processors import count_processors, usual_threads


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with 8 processors and the files that its kernel shows."""
    monkeypatch.setattr(processors, "bound_processors", lambda: 8)

    def written(**files):
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


def group(version, quota, period=100_000, path="/box/job"):
    if version == 2:
        return {f"sys/fs/cgroup{path}/cpu.max": f"{quota} {period}\n", "proc/self/cgroup": f"0::{path}\n"}
    folder = f"sys/fs/cgroup/cpu,cpuacct{path}"
    files = {f"{folder}/cpu.cfs_quota_us": f"{quota}\n", f"{folder}/cpu.cfs_period_us": f"{period}\n"}
    return {**files, "proc/self/cgroup": f"5:cpu,cpuacct:{path}\n4:memory:/\n0::/\n"}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize(
    ("quota", "count"), [(100_000, 1), (150_000, 2), (50_000, 1), (400_000, 4), (6_400_000, 8), (300_001, 4)]
)
def test_a_share_is_rounded_up_and_never_more_than_the_processors(machine, version, quota, count):
    assert count_processors(machine(**group(version, quota))) == count


@pytest.mark.parametrize(("version", "none"), [(1, -1), (2, "max")])
def test_without_a_limit_the_processors_count(machine, version, none):
    assert count_processors(machine(**group(version, none))) == 8


def test_groups_around_it_count_too(machine):
    assert count_processors(machine(**{**group(2, 200_000, path="/box"), **group(2, "max")})) == 2


def test_within_a_container_the_mount_itself_is_the_group(machine):
    files = group(2, 300_000, path="")
    assert count_processors(machine(**{**files, "proc/self/cgroup": "0::/../../docker/5f\n"})) == 3


def test_an_unknown_system_has_the_processors_it_has(machine):
    assert count_processors(machine()) == 8


def test_the_users_own_number_of_threads_is_told(machine, monkeypatch):
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "3")
    assert usual_threads() == 3
    monkeypatch.setenv("TF_NUM_INTRAOP_THREADS", "0")
    assert usual_threads() == 8
