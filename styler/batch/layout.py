"""How many workers with how many threads each."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from styler.batch.plan import Task
from styler.batch.together import ALONE, Grouping, most_that_fit
from styler.batch.worker import Placement
from styler.config import RenderConfig
from styler.errors import BatchError, ResourceError, suggestion
from styler.memory import available_memory
from styler.processors import count_processors

ENGINES = ("local", "ray")
ADDRESS = "auto"  # Ray's own word for the cluster that this machine belongs to
STATISTICS = ".styler-statistics"  # folder in the output folder
MEMORY_SHARE = 0.8  # of what is available, as `--max-memory` of a single render
WORKER_MEMORY = 700 * 2**20  # bytes of a process that has imported TensorFlow and built the network
GPU_DEVICES = ("nvidia[0-9]*", "dxg", "kfd")  # in /dev: of NVIDIA, of Windows' own Linux, of AMD
GPU_VARIABLE = "CUDA_VISIBLE_DEVICES"
COUNT_GPUS = "import tensorflow as tf; print(len(tf.config.list_physical_devices('GPU')))"
ASKING = 120.0  # seconds for TensorFlow to be imported, which takes 4 from a warm disk
PIXEL_MEMORY = 6_000  # bytes a pixel of the result on top of it


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What a batch may use; None is what suits the machine, and `grouping` what was found to be fast there."""

    engine: str = "local"
    workers: int | None = None
    threads: int | None = None
    ray_address: str = ADDRESS
    grouping: Grouping = ALONE

    def check(self) -> None:
        """Refuse what cannot be.

        Raises:
            BatchError: An unknown engine, or numbers below 1.
        """
        if self.engine not in ENGINES:
            message = f"unknown engine {self.engine!r}. {suggestion(self.engine, ENGINES)}"
            raise BatchError(message)
        for name in ("workers", "threads"):
            number = getattr(self, name)
            if number is not None and (not isinstance(number, int) or number < 1):
                message = f"{name}: expected a whole number from 1 on, got {number!r}"
                raise BatchError(message)


def choose_layout(tasks: Sequence[Task], resources: Resources, folder: Path) -> list[Placement]:
    """A placement for each worker.

    On GPUs one worker each; on processors as many single-threaded workers as there are cores, since threads of one
    worker wait for each other, or fewer where jobs or memory run out, with the cores shared out among them.

    Raises:
        ResourceError: A job names a GPU that is not there.
    """
    if resources.engine == "local":
        _check_devices(tasks)
    statistics = folder.absolute() / STATISTICS
    gpus = uses_gpus(tasks)
    if gpus:
        count = min(resources.workers or gpus, len(tasks))
        threads = resources.threads or 0
        return [Placement(threads=threads, gpu=index % gpus, statistics=statistics) for index in range(count)]
    cores = count_cores()
    room = min(len(tasks), max(1, cores // (resources.threads or 1)), _fitting(tasks))
    workers = resources.workers or max(1, room)
    threads = resources.threads or max(1, cores // workers)
    return [Placement(threads=threads, statistics=statistics)] * min(workers, len(tasks))


def _check_devices(tasks: Sequence[Task]) -> None:
    for device in dict.fromkeys(task.job.config.device for task in tasks):
        kind, _, index = device.partition(":")
        if kind == "gpu" and int(index or 0) >= count_gpus():
            message = f"no device {device}: TensorFlow sees {count_gpus()} GPUs here; give --device auto or cpu"
            raise ResourceError(message)


def uses_gpus(tasks: Sequence[Task]) -> int:
    """GPUs that some of the tasks may use."""
    return count_gpus() if any(task.job.config.device in ("auto", "gpu") for task in tasks) else 0


def count_cores() -> int:
    """Processors that this process may use."""
    return count_processors()


def count_gpus() -> int:
    """GPUs that a worker may use: none without a device of the system, else as many as TensorFlow sees."""
    devices = (path for pattern in GPU_DEVICES for path in Path("/dev").glob(pattern))
    return 0 if next(devices, None) is None else _seen_by_tensorflow(os.environ.get(GPU_VARIABLE, ""))


@cache
def _seen_by_tensorflow(named: str) -> int:
    """Asked in a process of its own: TensorFlow may be built without GPUs, or its libraries may be absent.

    Args:
        named: GPUs that the environment names; another choice is asked for anew.
    """
    try:
        done = subprocess.run(
            [sys.executable, "-c", COUNT_GPUS], capture_output=True, text=True, timeout=ASKING, check=True
        )
        return int(done.stdout.split()[-1])
    except (OSError, subprocess.SubprocessError, ValueError, IndexError):
        return 0


def absent_gpus(configs: Iterable[RenderConfig]) -> str:
    """A sentence where the environment names GPUs and there are none for renders that may use them; else nothing."""
    named = os.environ.get(GPU_VARIABLE, "").strip()
    if not named or named.startswith("-") or all(config.device == "cpu" for config in configs) or count_gpus():
        return ""
    return f"{GPU_VARIABLE} is {named!r}, but TensorFlow sees no GPU here: the processors do the work"


def _fitting(tasks: Sequence[Task]) -> int:
    """Workers that fit into memory."""
    return max(1, int(min(len(tasks), MEMORY_SHARE * _available() / worker_memory(tasks))))


def most_together(tasks: Sequence[Task], task: Task, workers: int) -> int:
    """Pictures like a task that fit together into the memory of each worker of this machine."""
    each = MEMORY_SHARE * _available() / workers - WORKER_MEMORY
    return most_that_fit(tasks, task, each, PIXEL_MEMORY * task.size.height * task.size.width)


def worker_memory(tasks: Sequence[Task]) -> int:
    """Bytes that a worker takes with the largest result."""
    pixels = max((task.size.height * task.size.width for task in tasks), default=0)
    return WORKER_MEMORY + PIXEL_MEMORY * pixels


def _available() -> float:
    """Bytes that programs can still get; infinite where nothing tells."""
    available = available_memory()
    return math.inf if available is None else available
