"""Files that are either as they were or complete, whatever happens in between."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from styler.errors import OutputError, shown

NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # of some file systems
LONGEST_STEM = 16  # characters of the name that the temporary one starts with; at most 64 bytes


def write_atomically(output: Path, fill: Callable[[IO[bytes]], object], *, overwrite: bool = False) -> None:
    """Fill a temporary file beside the target, sync it, give it the target's name, sync the folder.

    Args:
        output: Where it goes.
        fill: Writes the contents.
        overwrite: Whether a file of that name may be replaced, also one that came up meanwhile.

    Raises:
        OutputError: The disk is full, or a file of that name came up and must stay.
    """
    try:
        partial = _filled(output, fill)
    except OSError as cause:
        message = f"cannot write {shown(output)}: {cause.strerror or cause}"
        raise OutputError(message) from cause
    try:
        _publish(partial, output, overwrite)
        _sync_folder(output.parent)
    except FileExistsError as cause:
        message = f"{shown(output)} came into being meanwhile; choose another --output or give --overwrite"
        raise OutputError(message) from cause
    except OSError as cause:
        message = f"cannot write {shown(output)}: {cause.strerror or cause}"
        raise OutputError(message) from cause
    finally:
        partial.unlink(missing_ok=True)


def _filled(output: Path, fill: Callable[[IO[bytes]], object]) -> Path:
    descriptor, name = tempfile.mkstemp(prefix=f".{output.stem[:LONGEST_STEM]}-", suffix=".partial", dir=output.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            fill(file)
            file.flush()
            os.fsync(file.fileno())
        partial.chmod(0o666 & ~_umask())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def _publish(partial: Path, output: Path, overwrite: bool) -> None:
    """Rename, or link where nothing may be replaced: a link fails if the name is taken, at whatever moment."""
    if overwrite:
        partial.replace(output)
        return
    try:
        os.link(partial, output)
    except OSError as cause:
        if cause.errno not in NO_LINKS:
            raise
        if os.path.lexists(output):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from cause
        partial.replace(output)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
