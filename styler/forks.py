"""Detects that this process was forked from one in which TensorFlow or libvips had already started.

A fork copies memory but only one thread. Code that waits for the other threads waits forever, so `check_not_forked` is
called before each computation.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from styler.errors import ResourceError

THREADS = Path("/proc/self/task")
STARTED = {"tf_": "TensorFlow", "libvips": "libvips"}
"""Prefix of a thread's name -> library that started it."""

LOADED = {"tensorflow": "TensorFlow", "pyvips": "libvips"}
"""Module -> library, for systems that do not report the names of threads."""

_in_parent: list[str] = []
_lost: list[str] = []


def running() -> list[str]:
    """Return the libraries whose threads in this process a fork would lose; empty if a fork is harmless."""
    try:
        names = [(thread / "comm").read_text("utf-8", "replace") for thread in THREADS.iterdir()]
    except OSError:  # the system has no such folder, or a thread has just ended
        return sorted({library for module, library in LOADED.items() if module in sys.modules})
    return sorted({library for start, library in STARTED.items() if any(name.startswith(start) for name in names)})


def check_not_forked(*needed: str) -> None:
    """Refuse to compute in a forked process in which the computation would never end.

    Args:
        *needed: Libraries that the computation uses; none means all.

    Raises:
        ResourceError: This process was forked after one of these libraries had started.
    """
    missing = [library for library in _lost if not needed or library in needed]
    if missing:
        message = (
            f"this process was forked after {' and '.join(missing)} had started in its parent, and would wait forever, "
            "because a fork does not copy threads; start workers by spawn (multiprocessing.get_context('spawn')), or "
            "fork before the first render"
        )
        raise ResourceError(message)


def _look() -> None:
    _in_parent[:] = running()


def _remember() -> None:
    _lost[:] = sorted({*_lost, *_in_parent})


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_look, after_in_child=_remember)
