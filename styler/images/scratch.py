"""Files for a moment: on a disk, or in memory where no folder can be written, as in a container that is read-only."""

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
    """A file without a name, open for writing and reading; gone when it is closed, whatever happens in between.

    Raises:
        ResourceError: Neither a folder nor memory can hold one.
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
    """A path that leads to some bytes, for libraries that take a file by its path alone.

    Raises:
        ResourceError: Neither memory nor a folder can hold them.
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
    """Where an open file can be opened anew, if it has no name too."""
    return Path(file.name) if isinstance(file.name, str) else DESCRIPTORS / str(file.fileno())


def _in_memory() -> IO[bytes] | None:
    """A file that is memory, where the system has such (Linux)."""
    if not hasattr(os, "memfd_create") or not DESCRIPTORS.is_dir():
        return None
    try:
        return os.fdopen(os.memfd_create("styler"), "w+b")
    except OSError:
        return None


def _beside_others(suffix: str) -> IO[bytes]:
    try:
        return tempfile.NamedTemporaryFile(dir=folder_for_files(), prefix=".styler-", suffix=suffix)
    except OSError as cause:
        raise unwritable(cause) from cause
