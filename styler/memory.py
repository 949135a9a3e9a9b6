"""What the system says about memory: how much is left, within control groups too, and how much this process holds."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

UNLIMITED = 2**60  # bytes: control groups of version 1 say "none" by a number near 2^63
MOUNTS = Path("/sys/fs/cgroup")


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that may still be used, the least of the machine's and of every enclosing container's.

    Args:
        root: Folder that holds `proc` and `sys`.

    Returns:
        None where nothing tells.
    """
    known = [amount for amount in (_of_machine(root), *_of_groups(root)) if amount is not None]
    return min(known, default=None)


def _of_machine(root: Path) -> int | None:
    for line in _text(root / "proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return None


def _of_groups(root: Path) -> Iterator[int | None]:
    """What the process's own control groups and those around them leave, version 1 and 2."""
    for folder in _group_folders(root):
        yield _left(folder, "memory.max", "memory.current", "inactive_file")
        yield _left(folder, "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")


def memory_kills(root: Path = Path("/")) -> int:
    """How many processes of this one's control groups were killed for want of memory; 0 where nothing tells."""
    return max((_kills(folder) for folder in _group_folders(root)), default=0)


def _group_folders(root: Path) -> Iterator[Path]:
    for line in _text(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from _upward(root, ("", "unified"), path)
        elif "memory" in controllers.split(","):
            yield from _upward(root, ("memory",), path)


def _kills(folder: Path) -> int:
    """`oom_kill` of version 2 or 1."""
    lines = (_text(folder / "memory.events") + _text(folder / "memory.oom_control")).splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), default=0)


def _upward(root: Path, mounts: tuple[str, ...], path: str) -> Iterator[Path]:
    """The group's folder and every one around it; inside a container the path may not exist, the mount does."""
    inner = Path(path.lstrip("/"))
    for mount in mounts:
        base = root / MOUNTS.relative_to("/") / mount
        yield from (base / part for part in (inner, *inner.parents))


def _left(folder: Path, limit: str, used: str, reclaimable: str) -> int | None:
    """Limit less use; pages of files that were not used lately are given back under pressure and do not count."""
    most, now = _text(folder / limit).strip(), _text(folder / used).strip()
    if not most.isdigit() or not now.isdigit() or int(most) >= UNLIMITED:
        return None
    cached = (line.split()[1] for line in _text(folder / "memory.stat").splitlines() if line.split()[0] == reclaimable)
    return max(0, int(most) - int(now) + int(next(cached, "0")))


def _text(path: Path) -> str:
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""


def resident_memory() -> int:
    """Bytes of this process that are in memory now; 0 where nothing tells."""
    pages = _text(Path("/proc/self/statm")).split()
    return int(pages[1]) * resource.getpagesize() if len(pages) > 1 else 0


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    for line in _text(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def trim() -> None:
    """Give memory that is free but still held back to the system, where its C library can (glibc)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return
