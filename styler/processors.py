"""The number of processors that this process may use: by its affinity and by the limits of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from styler.groups import group_folders, text_of

THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # environment variable: threads for one TensorFlow operation


def count_processors(root: Path = Path("/")) -> int:
    """Return the number of processors that this process may use, at least 1.

    This is the number that its affinity allows, or the share that an enclosing control group allows, rounded up, if
    that is less.

    Args:
        root: Folder that contains `proc` and `sys`.
    """
    return max(1, min([bound_processors(), *map(math.ceil, _shares(root))]))


def bound_processors() -> int:
    """Return the number of processors that the affinity of this process allows, ignoring control groups."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_threads() -> int:
    """Return the number of threads that TensorFlow uses for one operation by default."""
    named = os.environ.get(THREADS_VARIABLE, "")
    return int(named) if named.isdigit() and int(named) else bound_processors()


def _shares(root: Path) -> Iterator[float]:
    """Yield the number of processors that each control group allows: quota divided by period, both in microseconds.

    A group without a limit has the quota "max" (version 2) or -1 (version 1); neither consists of digits alone.
    """
    for folder in group_folders("cpu", root):
        quota, _, period = text_of(folder / "cpu.max").strip().partition(" ")
        older = (text_of(folder / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        for most, within in ((quota, period), tuple(older)):
            if most.isdigit() and within.isdigit() and int(within):
                yield int(most) / int(within)
