"""Atomic writing: a file is either unchanged or complete, whatever happens in between."""

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
NO_LINKS = {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK}  # file system without hard links
NO_NAMELESS = {*NO_LINKS, errno.EISDIR, errno.EINVAL, errno.ENOENT}  # file system without unnamed files
PERMISSIONS = 0o777  # mode bits that are copied from a replaced file; set-user-ID and the like are not
LONGEST_STEM = 16  # characters of the output's name at the start of a temporary name; at most 64 bytes


def write_atomically(output: Path, fill: Callable[[IO[bytes]], object], *, overwrite: bool = False) -> None:
    """Write a file in one step: fill an unnamed file, sync it, give it its name, sync the folder.

    If the system has no unnamed files, a temporary file in the same folder is used. A temporary file can be left
    behind only if the process is killed.

    A replaced file passes on its permissions and, if the system allows it, its owner and group. If the output is a
    symbolic link, the link itself is replaced; its target is unchanged.

    Args:
        output: Path of the file.
        fill: Function that writes the contents.
        overwrite: Whether to replace an existing file, including one that appeared in the meantime.

    Raises:
        OutputError: The disk is full, or a file of this name appeared in the meantime and must not be replaced.
    """
    try:
        if not _written_nameless(output, fill, overwrite):
            _written_beside(output, fill, overwrite)
        _sync_folder(output.parent)
    except FileExistsError as cause:
        message = (
            f"{shown(output)} was created by another program in the meantime; choose another --output or pass "
            "--overwrite"
        )
        raise OutputError(message) from cause
    except OSError as cause:
        message = f"cannot write {shown(output)}: {cause.strerror or cause}"
        raise OutputError(message) from cause


def write_bytes(output: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file that has these contents; see `write_atomically`."""
    write_atomically(output, lambda file: file.write(data), overwrite=overwrite)


def _written_nameless(output: Path, fill: Callable[[IO[bytes]], object], overwrite: bool) -> bool:
    """Write through an unnamed file. Return False, with nothing written, if the system does not support this."""
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
    """Give an unnamed file its name. Return False if the file system does not support this.

    A new name takes one step. Replacing a file takes two steps, through an intermediate name that is always the same.
    """
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
    """Link the descriptor's entry in /proc to a path, as the manual of linkat(2) describes for unprivileged users."""
    here = os.open(path.parent, getattr(os, "O_PATH", os.O_RDONLY))  # works for a folder that cannot be listed
    try:
        os.link(
            DESCRIPTORS / str(file.fileno()),
            path,
            src_dir_fd=here,
            follow_symlinks=True,
        )
    finally:
        os.close(here)


def _digest(name: str) -> str:
    return hashlib.sha256(os.fsencode(name)).hexdigest()[:8]


def _written_beside(output: Path, fill: Callable[[IO[bytes]], object], overwrite: bool) -> None:
    descriptor, name = tempfile.mkstemp(
        prefix=f".{output.stem[:LONGEST_STEM]}-",
        suffix=".partial",
        dir=output.parent,
    )
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            _complete(file, fill, _replaced(output) if overwrite else None)
        _publish(partial, output, overwrite)
    finally:
        with suppress(OSError):
            partial.unlink()


def _replaced(output: Path) -> os.stat_result | None:
    """Return the status of the file to replace; None if there is no file, or if it is not a regular file."""
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
    with suppress(OSError):  # file systems such as FAT have no permissions
        os.fchmod(file.fileno(), mode)


def _hand_on_owner(file: IO[bytes], replaced: os.stat_result) -> None:
    """Set the owner and group of the replaced file, or only its group, or neither, as far as the system allows."""
    for owner in (replaced.st_uid, -1):
        with suppress(OSError):
            os.fchown(file.fileno(), owner, replaced.st_gid)
            return


def _publish(partial: Path, output: Path, overwrite: bool) -> None:
    """Give the temporary file its final name.

    Without `overwrite`, this makes a hard link instead of renaming, because a link never replaces an existing file.
    """
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
    """Make the rename durable, if the system can. The file is already in place."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):  # the folder cannot be listed, or is on a network file system
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
