"""Files that are either as they were or complete, whatever happens in between."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

from styler.errors import OutputError, shown

DESCRIPTORS = Path("/proc/self/fd")
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # of some file systems
NO_NAMELESS = {*NO_LINKS, errno.EISDIR, errno.EINVAL, errno.ENOENT}  # the same for files without a name
PERMISSIONS = 0o777  # bits of a mode that a replaced file hands on; set-user-ID and the like are no picture's
LONGEST_STEM = 16  # characters of the name that the temporary one starts with; at most 64 bytes


def write_atomically(output: Path, fill: Callable[[IO[bytes]], object], *, overwrite: bool = False) -> None:
    """Fill a file without a name, sync it, give it the target's name, sync the folder.

    Where the system has no files without a name, a temporary one beside the target takes its place. Only such a one
    can be left behind, and only by a process that is killed.

    A file that is replaced hands on its permissions, and its owner and group where the system allows that. A symbolic
    link of that name is replaced itself; what it leads to stays as it was.

    Args:
        output: Where it goes.
        fill: Writes the contents.
        overwrite: Whether a file of that name may be replaced, also one that came up meanwhile.

    Raises:
        OutputError: The disk is full, or a file of that name came up and must stay.
    """
    try:
        if not _written_nameless(output, fill, overwrite):
            _written_beside(output, fill, overwrite)
        _sync_folder(output.parent)
    except FileExistsError as cause:
        message = f"{shown(output)} came into being meanwhile; choose another --output or give --overwrite"
        raise OutputError(message) from cause
    except OSError as cause:
        message = f"cannot write {shown(output)}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def _written_nameless(output: Path, fill: Callable[[IO[bytes]], object], overwrite: bool) -> bool:
    """Whether it could be done so; if not, nothing was written."""
    if not hasattr(os, "O_TMPFILE") or not DESCRIPTORS.is_dir():
        return False
    try:
        descriptor = os.open(output.parent, os.O_TMPFILE | os.O_RDWR, 0o600)
    except OSError as cause:
        if cause.errno in NO_NAMELESS:
            return False
        raise
    with os.fdopen(descriptor, "w+b") as file:
        _complete(file, fill, _replaced(output) if overwrite else None)
        return _name(file, output, overwrite)


def _name(file: IO[bytes], output: Path, overwrite: bool) -> bool:
    """Give a file its name in one step; to replace another takes two, with a name between that is always the same."""
    try:
        _link(file, output)
    except FileExistsError:
        if not overwrite:
            raise
    except OSError as cause:
        if cause.errno in NO_NAMELESS:
            return False
        raise
    else:
        return True
    between = output.with_name(f".{output.stem[:LONGEST_STEM]}-{_digest(output.name)}.partial")
    between.unlink(missing_ok=True)
    _link(file, between)
    between.replace(output)
    return True


def _link(file: IO[bytes], path: Path) -> None:
    """linkat(2) through the descriptor's entry in /proc, the way its manual gives for those who are not root."""
    here = os.open(path.parent, getattr(os, "O_PATH", os.O_RDONLY))  # a folder that may be written but not listed
    try:
        os.link(DESCRIPTORS / str(file.fileno()), path, src_dir_fd=here, follow_symlinks=True)
    finally:
        os.close(here)


def _digest(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _written_beside(output: Path, fill: Callable[[IO[bytes]], object], overwrite: bool) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{output.stem[:LONGEST_STEM]}-", suffix=".partial", dir=output.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _complete(file, fill, _replaced(output) if overwrite else None)
        _publish(partial, output, overwrite)
    finally:
        with suppress(OSError):
            partial.unlink()


def _replaced(output: Path) -> os.stat_result | None:
    """What is known of the file that will be replaced; None where there is none, or something else of that name."""
    try:
        found = os.lstat(output)
    except OSError:
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def _complete(file: IO[bytes], fill: Callable[[IO[bytes]], object], replaced: os.stat_result | None) -> None:
    fill(file)
    file.flush()
    os.fsync(file.fileno())
    if replaced is not None:
        _hand_on_owner(file, replaced)
    mode = 0o666 & ~_umask() if replaced is None else replaced.st_mode & PERMISSIONS
    with suppress(OSError):  # a file system without permissions, such as FAT
        os.fchmod(file.fileno(), mode)


def _hand_on_owner(file: IO[bytes], replaced: os.stat_result) -> None:
    """Owner and group of the old file, or its group alone; who may not give files away keeps them."""
    for owner in (replaced.st_uid, -1):
        with suppress(OSError):
            os.fchown(file.fileno(), owner, replaced.st_gid)
            return


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
    """Make the rename itself durable, where the system can; the file is in place by then."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):  # a folder that cannot be listed, or of a network's file system
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
