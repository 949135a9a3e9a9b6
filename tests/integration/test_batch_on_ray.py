"""The Ray engine on a cluster of several nodes on this machine."""

from __future__ import annotations

import hashlib
import json
import os
import signal
from importlib.util import find_spec
from pathlib import Path

import pytest

from styler.batch import batch as rooms
from styler.batch.batch import render_batch
from styler.batch.layout import worker_memory
from styler.batch.ledger import FILENAME
from styler.errors import BatchError
from support.painted import Studio
from support.pictures import blobs, saved

pytestmark = [
    pytest.mark.ray,
    pytest.mark.skipif(find_spec("ray") is None, reason="ray is not installed"),  # imported by the tests that run
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),  # sockets that Ray leaves open
]
TESTS = Path(__file__).resolve().parents[1]
JOBS = 60


@pytest.fixture
def cluster(monkeypatch):
    """A head without processors and two nodes with two each."""
    import ray
    from ray.cluster_utils import Cluster

    path = os.pathsep.join((str(TESTS.parent), str(TESTS)))
    monkeypatch.setenv("PYTHONPATH", path)
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    started = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    started.workers = [started.add_node(num_cpus=2) for _ in range(2)]
    started.wait_for_nodes()
    yield started
    ray.shutdown()
    started.shutdown()


@pytest.fixture
def jobs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for seed in range(3):
        saved(tmp_path / f"style{seed}.png", blobs(70, 70, 100 + seed))
    for seed in range(JOBS // 3):
        saved(tmp_path / f"slow{seed}.png", blobs(48, 64, seed))
    return [
        {"content": f"slow{photo}.png", "style": f"style{style}.png", "size": 64, "strength": 0.1}
        for photo in range(JOBS // 3)
        for style in range(3)
    ]


def blending(monkeypatch):
    """Both engines with the studio that blends."""
    from styler.batch.local import LocalEngine
    from styler.batch.ray import RayEngine

    def make(tasks, resources, folder):
        if resources.engine == "ray":
            return RayEngine(resources, len(tasks), worker_memory(tasks) // 10, Studio)
        return LocalEngine(rooms.choose_layout(tasks, resources, folder), Studio)

    monkeypatch.setattr(rooms, "make_engine", make)


def kill(node):
    """End a node with its workers at once, as a power cut would."""
    own = [info.process.pid for processes in node.all_processes.values() for info in processes]
    workers = [child for process in own for child in children(process)]
    for process in (*own, *workers):
        os.kill(process, signal.SIGKILL)


def children(parent):
    """Of a process, from the system's own list."""
    stats = [path.read_text("utf-8", "replace") for path in Path("/proc").glob("[0-9]*/stat")]
    numbers = [(stat.split(" ", 1)[0], stat.rpartition(") ")[2].split()[1]) for stat in stats]
    return [int(number) for number, above in numbers if int(above) == parent]


def checksums(folder):
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.png")}


def test_a_node_killed_half_way_costs_no_job_and_none_is_done_twice(cluster, jobs, monkeypatch, tmp_path):
    blending(monkeypatch)
    outcomes = []
    for outcome in render_batch(jobs, output="on_ray", engine="ray", ray_address=cluster.address, threads=1):
        outcomes.append(outcome)
        if len(outcomes) == JOBS // 2:
            kill(cluster.workers[0])
    assert [outcome.state for outcome in outcomes] == ["done"] * JOBS
    lines = [json.loads(line) for line in (tmp_path / "on_ray" / FILENAME).read_text().splitlines()[1:]]
    done = [line["job"] for line in lines if line["state"] == "done"]
    assert len(done) == len(set(done)) == JOBS
    assert any(line["state"] == "retrying" and "Ray worker was lost" in line["error"] for line in lines)
    assert all(outcome.state == "done" for outcome in render_batch(jobs, output="here", threads=1))
    assert checksums(tmp_path / "on_ray") == checksums(tmp_path / "here")
    again = render_batch(jobs, output="on_ray", engine="ray", ray_address=cluster.address)
    assert [outcome.state for outcome in again] == ["skipped"] * JOBS


@pytest.mark.parametrize(
    ("address", "said"),
    [("127.0.0.1:1", r"no Ray cluster answers at 127\.0\.0\.1:1"), ("somewhere", "expected auto, local or HOST:PORT")],
)
def test_an_address_without_a_cluster_is_refused(jobs, address, said):
    with pytest.raises(BatchError, match=said):
        list(render_batch(jobs, output="out", engine="ray", ray_address=address))
