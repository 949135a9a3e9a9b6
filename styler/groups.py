"""Linux control groups, version 1 and 2: the folders with the limits of a container."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

MOUNTS = Path("sys/fs/cgroup")


def group_folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Yield the folders of the groups that this process belongs to, and of all enclosing groups.

    Args:
        controller: What the groups limit: "memory" or "cpu".
        root: Folder that contains `proc` and `sys`.
    """
    for line in text_of(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from _upward(root, ("", "unified"), path)
        elif controller in controllers.split(","):
            yield from _upward(root, dict.fromkeys((controller, controllers)), path)


def _upward(root: Path, mounts: Iterable[str], path: str) -> Iterator[Path]:
    """Yield the folder of a group and of each enclosing group.

    Inside a container the path itself may not exist, but the mount point does.
    """
    inner = Path(path.lstrip("/"))
    for mount in mounts:
        yield from (root / MOUNTS / mount / part for part in (inner, *inner.parents))


def text_of(path: Path) -> str:
    """Return the text of a kernel file; empty if the file does not exist or cannot be read."""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
