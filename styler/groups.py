"""Control groups of Linux: the folders that say what a container may use, version 1 and 2."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

MOUNTS = Path("sys/fs/cgroup")


def group_folders(controller: str, root: Path = Path("/")) -> Iterator[Path]:
    """Folders of the groups that this process is in, and of every group around them.

    Args:
        controller: What they count: "memory" or "cpu".
        root: Folder that holds `proc` and `sys`.
    """
    for line in text_of(root / "proc/self/cgroup").splitlines():
        number, controllers, path = line.split(":", 2)
        if number == "0":
            yield from _upward(root, ("", "unified"), path)
        elif controller in controllers.split(","):
            yield from _upward(root, dict.fromkeys((controller, controllers)), path)


def _upward(root: Path, mounts: Iterable[str], path: str) -> Iterator[Path]:
    """The group's folder and every one around it; inside a container the path may not exist, the mount does."""
    inner = Path(path.lstrip("/"))
    for mount in mounts:
        yield from (root / MOUNTS / mount / part for part in (inner, *inner.parents))


def text_of(path: Path) -> str:
    """What a file of the kernel says; empty where it is absent or may not be read."""
    try:
        return path.read_text("ascii")
    except (OSError, UnicodeDecodeError):
        return ""
