"""Temporary files: on disk, or in memory if no folder can be written, as in a read-only container."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from styler.images.mapped import folder_for_files, unwritable

DESCRIPTORS = Path("/proc/self/fd")


def scratch_file() -> IO[bytes]:
    """Open an unnamed file for reading and writing. It disappears when it is closed.

    Raises:
        ResourceError: The file can be created neither in a folder nor in memory.
    """
    try:
        return tempfile.TemporaryFile(dir=folder_for_files(), prefix=".styler-")
    except OSError as cause:
        file = _in_memory()
        if file is None:
            raise unwritable(cause) from cause
        return file


@contextmanager
def named(data: bytes, suffix: str) -> Iterator[Path]:
    """Yield the path of a temporary file with the given contents, for libraries that accept only paths.

    Raises:
        ResourceError: The file can be created neither in memory nor in a folder.
    """
    file = _in_memory() or _beside_others(suffix)
    with file:
        try:
            file.write(data)
            file.flush()
        except OSError as cause:
            raise unwritable(cause) from cause
        yield path_of(file)


def path_of(file: IO[bytes]) -> Path:
    """Return a path through which an open file can be opened again, even if the file has no name."""
    return Path(file.name) if isinstance(file.name, str) else DESCRIPTORS / str(file.fileno())


def _in_memory() -> IO[bytes] | None:
    """Open a file in memory, if the system supports it (Linux)."""
    if not hasattr(os, "memfd_create") or not DESCRIPTORS.is_dir():
        return None
    try:
        return os.fdopen(os.memfd_create("styler"), "w+b")
    except OSError:
        return None


def _beside_others(suffix: str) -> IO[bytes]:
    try:
        return tempfile.NamedTemporaryFile(
            dir=folder_for_files(),
            prefix=".styler-",
            suffix=suffix,
        )
    except OSError as cause:
        raise unwritable(cause) from cause
