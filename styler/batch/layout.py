"""Choose the number of workers and the number of threads of each."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from styler.batch.grouping import ALONE, Grouping, most_that_fit
from styler.batch.plan import Task
from styler.batch.worker import Placement
from styler.config import RenderConfig
from styler.errors import BatchError, ResourceError, suggestion
from styler.memory import available_memory
from styler.processors import count_processors

ENGINES = ("local", "ray")
ADDRESS = "auto"  # Ray's name for the cluster that this machine belongs to
STATISTICS = ".styler-statistics"  # name of a folder in the output folder
MEMORY_SHARE = 0.8  # share of the available memory that workers use, as `--max-memory` of a single render
WORKER_MEMORY = 700 * 2**20  # bytes that a process takes once it has imported TensorFlow and built the network
GPU_DEVICES = ("nvidia[0-9]*", "dxg", "kfd")  # files in /dev: NVIDIA, Windows Subsystem for Linux, AMD
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
ASKING = 120.0  # seconds to wait for the count of GPUs; importing TensorFlow takes 4 s from a warm disk
PIXEL_MEMORY = 6_000  # additional bytes per pixel of the result


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a batch may use.

    Attributes:
        engine: "local" or "ray".
        workers: Number of workers; None chooses a number that suits the machine.
        threads: Number of threads per worker; None chooses a number that suits the machine.
        ray_address: Address of the Ray cluster.
        grouping: How many pictures to render as one tensor, as measured on the machine.
    """

    engine: str = "local"
    workers: int | None = None
    threads: int | None = None
    ray_address: str = ADDRESS
    grouping: Grouping = ALONE

    def check(self) -> None:
        """Check the engine and the numbers.

        Raises:
            BatchError: The engine is unknown, or a number is below 1.
        """
        if self.engine not in ENGINES:
            message = f"unknown engine {self.engine!r}. {suggestion(self.engine, ENGINES)}"
            raise BatchError(message)
        for name in ("workers", "threads"):
            number = getattr(self, name)
            if number is not None and (not isinstance(number, int) or number < 1):
                message = f"{name}: expected a whole number of at least 1, got {number!r}"
                raise BatchError(message)


def choose_layout(tasks: Sequence[Task], resources: Resources, folder: Path) -> list[Placement]:
    """Return a placement for each worker.

    Each GPU gets one worker. Without GPUs, each core gets a single-threaded worker, because the threads of one worker
    wait for each other. If there are fewer jobs than cores or too little memory, there are fewer workers and each one
    gets several cores.

    Raises:
        ResourceError: A job names a GPU that does not exist.
    """
    if resources.engine == "local":
        _check_devices(tasks)
    statistics = folder.absolute() / STATISTICS
    gpus = uses_gpus(tasks)
    if gpus:
        count = min(resources.workers or gpus, len(tasks))
        threads = resources.threads or 0
        return [
            Placement(
                threads=threads,
                gpu=index % gpus,
                statistics=statistics,
            )
            for index in range(count)
        ]
    cores = count_cores()
    room = min(len(tasks), max(1, cores // (resources.threads or 1)), _fitting(tasks))
    workers = resources.workers or max(1, room)
    threads = resources.threads or max(1, cores // workers)
    return [Placement(threads=threads, statistics=statistics)] * min(workers, len(tasks))


def _check_devices(tasks: Sequence[Task]) -> None:
    for device in dict.fromkeys(task.job.config.device for task in tasks):
        kind, _, index = device.partition(":")
        if kind == "gpu" and int(index or 0) >= count_gpus():
            message = f"no device {device}: TensorFlow sees {count_gpus()} GPUs here; pass --device auto or cpu"
            raise ResourceError(message)


def uses_gpus(tasks: Sequence[Task]) -> int:
    """Return the number of GPUs that the tasks may use; 0 if no task may use one."""
    return count_gpus() if any(task.job.config.device in ("auto", "gpu") for task in tasks) else 0


def count_cores() -> int:
    """Return the number of processors that this process may use."""
    return count_processors()


def count_gpus() -> int:
    """Return the number of GPUs that TensorFlow sees; 0 if the system has no GPU device files."""
    devices = (path for pattern in GPU_DEVICES for path in Path("/dev").glob(pattern))
    return 0 if next(devices, None) is None else _seen_by_tensorflow(os.environ.get(GPU_VARIABLE, ""))


@cache
def _seen_by_tensorflow(named: str) -> int:
    """Count GPUs in a separate process, since TensorFlow may lack GPU support or its libraries may be missing.

    Args:
        named: Value of `CUDA_VISIBLE_DEVICES`; it is only used as a cache key.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", COUNT_GPUS],
            capture_output=True,
            text=True,
            timeout=ASKING,
            check=True,
        )
        return int(done.stdout.split()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def absent_gpus(configs: Iterable[RenderConfig]) -> str:
    """Return a note if the environment names GPUs but TensorFlow sees none; "" if there is nothing to say."""
    named = os.environ.get(GPU_VARIABLE, "").strip()
    if not named or named.startswith("-") or all(config.device == "cpu" for config in configs) or count_gpus():
        return ""
    return f"{GPU_VARIABLE} is {named!r}, but TensorFlow sees no GPU here, so the CPU does the work"


def _fitting(tasks: Sequence[Task]) -> int:
    """Return the number of workers that fit into memory, at most one per task."""
    return max(1, int(min(len(tasks), MEMORY_SHARE * _available() / worker_memory(tasks))))


def most_together(tasks: Sequence[Task], task: Task, workers: int) -> int:
    """Return how many pictures like that of `task` each worker can hold in memory at the same time."""
    each = MEMORY_SHARE * _available() / workers - WORKER_MEMORY
    return most_that_fit(tasks, task, each, PIXEL_MEMORY * task.size.height * task.size.width)


def worker_memory(tasks: Sequence[Task]) -> int:
    """Return the number of bytes that a worker needs to render the largest result."""
    pixels = max((task.size.height * task.size.width for task in tasks), default=0)
    return WORKER_MEMORY + PIXEL_MEMORY * pixels


def _available() -> float:
    """Return the available memory in bytes; infinity if it is unknown."""
    available = available_memory()
    return math.inf if available is None else available
