"""Memory that is available, including the limits of control groups, and memory that this process uses."""

from __future__ import annotations

import ctypes
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from styler.errors import ResourceError
from styler.groups import group_folders, text_of
from styler.processors import bound_processors

UNLIMITED = 2**60  # bytes; a larger limit means that there is none
LIMITS = {
    "memory.max": ("memory.current", "inactive_file"),
    "memory.high": ("memory.current", "inactive_file"),  # above it the kernel slows processes down almost to a halt
    "memory.limit_in_bytes": ("memory.usage_in_bytes", "total_inactive_file"),
}  # limit file of a control group -> the file with its usage, and the entry of memory.stat that can be reclaimed
ADDRESS_SPACE = 3 * 2**30  # bytes that TensorFlow needs, including compilation; measured: 2.7 GB with 2 processors
ADDRESS_SPACE_A_PROCESSOR = 2**25  # bytes for TensorFlow's threads per processor; measured: 29 MB with 32 processors
OWN_LIMITS = {"RLIMIT_AS": "VmSize", "RLIMIT_DATA": "VmData"}  # limit of `ulimit` -> its usage in /proc/self/status


def available_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes that this process may still use.

    This is the smallest of three amounts: what is left of the machine, of each enclosing container, and of the limits
    of this process.

    Args:
        root: Folder that contains `proc` and `sys`.

    Returns:
        Bytes, or None if the system does not say.
    """
    known = [amount for amount in (_of_machine(root), *_of_groups(root), *_of_process(root)) if amount is not None]
    return min(known, default=None)


def _of_machine(root: Path) -> int | None:
    return _kib(root / "proc/meminfo", "MemAvailable")


def total_memory(root: Path = Path("/")) -> int | None:
    """Return the bytes of the machine or of the smallest enclosing container; None if the system does not say."""
    files = [folder / name for folder in group_folders("memory", root) for name in LIMITS]
    known = [_kib(root / "proc/meminfo", "MemTotal"), *map(_limit, files)]
    return min((amount for amount in known if amount is not None), default=None)


def _kib(path: Path, name: str) -> int | None:
    """Return the bytes in a line such as `MemTotal:  8000 kB`, or None if the file has no such line."""
    for line in text_of(path).splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _of_groups(root: Path) -> Iterator[int | None]:
    """Yield the bytes left in each control group of this process and in each enclosing group."""
    for folder in group_folders("memory", root):
        for limit, (used, reclaimable) in LIMITS.items():
            yield _left(folder, limit, used, reclaimable)


def _of_process(root: Path) -> Iterator[int | None]:
    """Yield the bytes left under each limit of this process (`ulimit -v`, `ulimit -d`)."""
    for limit, counted in OWN_LIMITS.items():
        most = resource.getrlimit(getattr(resource, limit))[0] if hasattr(resource, limit) else resource.RLIM_INFINITY
        used = _kib(root / "proc/self/status", counted)
        yield None if most == resource.RLIM_INFINITY or used is None else max(0, most - used)


def check_address_space() -> None:
    """Check that the address space limit (`ulimit -v`) is high enough for TensorFlow.

    With a limit that is too low, TensorFlow would dump core or wait forever.

    Raises:
        ResourceError: The limit is too low for TensorFlow to start and compile.
    """
    if not hasattr(resource, "RLIMIT_AS"):
        return
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    needed = ADDRESS_SPACE + ADDRESS_SPACE_A_PROCESSOR * bound_processors()
    if most != resource.RLIM_INFINITY and most < needed:
        message = (
            f"TensorFlow needs {needed / 2**30:.1f} GiB of address space, but this process is limited to "
            f"{most / 2**30:.1f} GiB; raise the limit (ulimit -v), and limit memory instead if necessary"
        )
        raise ResourceError(message)


def memory_kills(root: Path = Path("/")) -> int:
    """Return how many processes the kernel has killed for lack of memory in the control groups of this process.

    Returns:
        The largest count of any group; 0 if the system does not say.
    """
    return max((_kills(folder) for folder in group_folders("memory", root)), default=0)


def _kills(folder: Path) -> int:
    """Return the counter `oom_kill` of a control group, version 1 or 2."""
    lines = (text_of(folder / "memory.events") + text_of(folder / "memory.oom_control")).splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), default=0)


def _left(
    folder: Path,
    limit: str,
    used: str,
    reclaimable: str,
) -> int | None:
    """Return the limit minus the usage.

    Pages of files that were not used recently do not count, because the kernel reclaims them under memory pressure.
    """
    most = _limit(folder / limit)
    now = text_of(folder / used).strip()
    if most is None or not now.isdigit():
        return None
    lines = (line.split() for line in text_of(folder / "memory.stat").splitlines())
    cached = (words[1] for words in lines if words[:1] == [reclaimable])
    return max(0, most - int(now) + int(next(cached, "0")))


def _limit(path: Path) -> int | None:
    """Return a limit in bytes, or None if there is none ("max" in version 2, a number near 2^63 in version 1)."""
    most = text_of(path).strip()
    return int(most) if most.isdigit() and int(most) < UNLIMITED else None


def resident_memory() -> int:
    """Return the current resident memory of this process in bytes; 0 if the system does not say."""
    pages = text_of(Path("/proc/self/statm")).split()
    return int(pages[1]) * resource.getpagesize() if len(pages) > 1 else 0


def peak_memory() -> int:
    """Return the peak resident memory of this process so far, in bytes."""
    for line in text_of(Path("/proc/self/status")).splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    unit = 1 if sys.platform == "darwin" else 1024  # getrusage counts bytes on macOS, KiB elsewhere
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def trim() -> None:
    """Return memory that the process has freed to the system, if the C library can do so (glibc)."""
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (AttributeError, OSError):
        return
