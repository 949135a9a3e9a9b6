"""How many processors this process may use: those it is bound to, or fewer where a container has a share of them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

from styler.groups import group_folders, text_of

THREADS_VARIABLE = "TF_NUM_INTRAOP_THREADS"  # of the environment: threads of one operation of TensorFlow


def count_processors(root: Path = Path("/")) -> int:
    """Processors by affinity, or the share of control groups around this process, rounded up; at least 1.

    Args:
        root: Folder that holds `proc` and `sys`.
    """
    return max(1, min([bound_processors(), *map(math.ceil, _shares(root))]))


def bound_processors() -> int:
    """Processors that the system may run this process on, whatever its share of them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def usual_threads() -> int:
    """Threads that TensorFlow spreads one operation over, unless it is told otherwise in the program."""
    named = os.environ.get(THREADS_VARIABLE, "")
    return int(named) if named.isdigit() and int(named) else bound_processors()


def _shares(root: Path) -> Iterator[float]:
    """Processors that each group leaves: microseconds of computing in periods of so many.

    No limit is "max" in version 2 and -1 in version 1, both no number.
    """
    for folder in group_folders("cpu", root):
        quota, _, period = text_of(folder / "cpu.max").strip().partition(" ")
        older = (text_of(folder / name).strip() for name in ("cpu.cfs_quota_us", "cpu.cfs_period_us"))
        for most, within in ((quota, period), tuple(older)):
            if most.isdigit() and within.isdigit() and int(within):
                yield int(most) / int(within)
