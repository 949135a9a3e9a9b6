"""Notices that this process was forked from one in which TensorFlow or libvips had started.

A fork copies memory and one thread. What waits for an answer of the other threads waits forever, so whoever is about to
compute asks here first.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from styler.errors import ResourceError

THREADS = Path("/proc/self/task")
STARTED = {"tf_": "TensorFlow", "libvips": "libvips"}
"""How the names of threads begin -> whose they are."""

LOADED = {"tensorflow": "TensorFlow", "pyvips": "libvips"}
"""Modules -> the same, for systems that do not tell the names of threads."""

_in_parent: list[str] = []
_lost: list[str] = []


def running() -> list[str]:
    """What has threads in this process that a fork would lose; empty where a fork does no harm."""
    try:
        names = [(thread / "comm").read_text("utf-8", "replace") for thread in THREADS.iterdir()]
    except OSError:  # no such folder on this system, or a thread that just ended
        return sorted({whose for module, whose in LOADED.items() if module in sys.modules})
    return sorted({whose for start, whose in STARTED.items() if any(name.startswith(start) for name in names)})


def check_not_forked() -> None:
    """Refuse to compute where it would never end.

    Raises:
        ResourceError: This process was forked after TensorFlow or libvips had started.
    """
    if _lost:
        message = (
            f"this process was forked after {' and '.join(_lost)} had started in its parent, and would wait forever "
            "for threads that a fork does not copy; start workers by spawn (multiprocessing.get_context('spawn')), or "
            "fork before the first render"
        )
        raise ResourceError(message)


def _look() -> None:
    _in_parent[:] = running()


def _remember() -> None:
    _lost[:] = sorted({*_lost, *_in_parent})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_look, after_in_child=_remember)
