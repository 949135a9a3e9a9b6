"""What the system says about memory: how much is left, within control groups too, and how much this process holds."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from styler.errors import ResourceError
from styler.groups import group_folders, text_of
from styler.processors import bound_processors

UNLIMITED = 2**60  # bytes; more is no limit
LIMITS = {
    "memory.max": ("memory.current", "inactive_file"),
    "memory.high": ("memory.current", "inactive_file"),  # beyond it processes are slowed down until they hardly move
    "memory.limit_in_bytes": ("memory.usage_in_bytes", "total_inactive_file"),
}  # files of a control group -> those that say what of it is used, and which part is given back under pressure
ADDRESS_SPACE = 3 * 2**30  # bytes that TensorFlow takes of it, compiling included: 2.7 GB as measured with 2 processors
ADDRESS_SPACE_A_PROCESSOR = 2**25  # bytes for the threads that it starts for each: 29 MB as measured with 32
OWN_LIMITS = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}  # of `ulimit`, and what of this process they count


def available_memory(root: Path = Path("/")) -> int | None:
    """Bytes that may still be used, the least of the machine's, every enclosing container's and this process's own.

    Args:
        root: Folder that holds `proc` and `sys`.

    Returns:
        None where nothing tells.
    """
    known = [amount for amount in (_of_machine(root), *_of_groups(root), *_of_process(root)) if amount is not None]
    return min(known, default=None)


def _of_machine(root: Path) -> int | None:
    return _kib(root / "proc/meminfo", "MemAvailable")


def total_memory(root: Path = Path("/")) -> int | None:
    """Bytes of the machine, or of the smallest container around this process; None where nothing tells."""
    files = [folder / name for folder in group_folders("memory", root) for name in LIMITS]
    known = [_kib(root / "proc/meminfo", "MemTotal"), *map(_limit, files)]
    return min((amount for amount in known if amount is not None), default=None)


def _kib(path: Path, name: str) -> int | None:
    """A line such as `MemTotal:  8000 kB`, in bytes."""
    for line in text_of(path).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _of_groups(root: Path) -> Iterator[int | None]:
    """What the process's own control groups and those around them leave."""
    for folder in group_folders("memory", root):
        for limit, (used, reclaimable) in LIMITS.items():
            yield _left(folder, limit, used, reclaimable)


def _of_process(root: Path) -> Iterator[int | None]:
    """What its own limits leave to this process (`ulimit -v`, `ulimit -d`)."""
    for limit, counted in OWN_LIMITS.items():
        most = resource.getrlimit(getattr(resource, limit))[0] if hasattr(resource, limit) else resource.RLIM_INFINITY
        used = _kib(root / "proc/self/status", counted)
        yield None if most == resource.RLIM_INFINITY or used is None else max(0, most - used)


def check_address_space() -> None:
    """Refuse a limit (`ulimit -v`) under which TensorFlow ends with a core dump or waits for ever.

    Raises:
        ResourceError: It is too low for TensorFlow to start and compile.
    """
    if not hasattr(resource, "RLIMIT_AS"):
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    needed = ADDRESS_SPACE + ADDRESS_SPACE_A_PROCESSOR * bound_processors()
    if most != resource.RLIM_INFINITY and most < needed:
        message = (
            f"the address space of this process is limited to {most / 2**30:.1f} GiB and TensorFlow takes "
            f"{needed / 2**30:.1f} GiB of it; raise the limit (ulimit -v), and limit memory instead if need be"
        )
        raise ResourceError(message)


def memory_kills(root: Path = Path("/")) -> int:
    """How many processes of this one's control groups were killed for want of memory; 0 where nothing tells."""
    return max((_kills(folder) for folder in group_folders("memory", root)), default=0)


def _kills(folder: Path) -> int:
    """`oom_kill` of version 2 or 1."""
    lines = (text_of(folder / "memory.events") + text_of(folder / "memory.oom_control")).splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), default=0)


def _left(folder: Path, limit: str, used: str, reclaimable: str) -> int | None:
    """Limit less use; pages of files that were not used lately are given back under pressure and do not count."""
    most, now = _limit(folder / limit), text_of(folder / used).strip()
    if most is None or not now.isdigit():
        return None
    lines = (line.split() for line in text_of(folder / "memory.stat").splitlines())
    cached = (words[1] for words in lines if words[:1] == [reclaimable])
    return max(0, most - int(now) + int(next(cached, "0")))


def _limit(path: Path) -> int | None:
    """Bytes, or None for no limit: "max" in version 2, a number near 2^63 in version 1."""
    most = text_of(path).strip()
    return int(most) if most.isdigit() and int(most) < UNLIMITED else None


def resident_memory() -> int:
    """Bytes of this process that are in memory now; 0 where nothing tells."""
    pages = text_of(Path("/proc/self/statm")).split()
    return int(pages[1]) * resource.getpagesize() if len(pages) > 1 else 0


def peak_memory() -> int:
    """Largest resident memory of this process so far, bytes."""
    for line in text_of(Path("/proc/self/status")).splitlines():
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
