"""Arrays too large for memory: mapped from files without names, their pages given back piece by piece.

The system may write such pages out and forget them. It does so late, so whoever is done with a piece says so, and what
counts against a memory limit stays small however large the image is.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from styler.errors import ResourceError

Array: TypeAlias = NDArray[Any]

LARGE = 2**26  # bytes, 64 MiB: an image of 2,364 x 2,364 floats. Below it, mapping gains nothing worth a file
BAND = 2**23  # bytes of an image worked on at a time: fits a cache a few times over, and calls cost nothing
LASTING = Path("/var/tmp")  # on disk by the Filesystem Hierarchy Standard 3.0, 5.15; /tmp often is memory
READ_AROUND = 2**16  # bytes, aligned: Linux maps so much around a page that is read (fault_around_bytes)


def folder_for_files() -> Path:
    """Where mapped arrays have their files: TMPDIR if it is set, else a temporary folder that is not memory itself.

    Where no folder can be written, as in a container that is read-only, one all the same: most pictures need no file,
    and whoever does is told then.
    """
    if "TMPDIR" not in os.environ and os.access(LASTING, os.W_OK):
        return LASTING
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path("/")


def unwritable(cause: Exception) -> ResourceError:
    """That a temporary file cannot be made, and what to do."""
    reason = getattr(cause, "strerror", None) or cause
    return ResourceError(f"no temporary file can be written in {folder_for_files()}: {reason}; name a folder in TMPDIR")


def mapped(shape: tuple[int, ...], dtype: Any = np.float32, folder: Path | None = None) -> Array:
    """Zeros, mapped from a file that is gone when the array is, whatever happens in between.

    Raises:
        ResourceError: The disk cannot hold it, or the folder cannot be written.
    """
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    place = folder or folder_for_files()
    try:
        check_space(place, size)
        with tempfile.TemporaryFile(dir=place, prefix=".styler-") as file:
            file.truncate(size)
            pages = mmap.mmap(file.fileno(), size)
    except OSError as cause:
        raise unwritable(cause) from cause
    return np.frombuffer(pages, dtype).reshape(shape)


def roomy(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """An array to be filled: in memory, or mapped if it is large and a disk can hold it."""
    if int(np.prod(shape)) * np.dtype(dtype).itemsize >= LARGE:
        try:
            return mapped(shape, dtype)
        except ResourceError:
            pass
    return np.empty(shape, dtype)


def check_space(folder: Path, size: int) -> None:
    """Refuse what a disk cannot hold.

    Raises:
        ResourceError: Less than `size` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        message = (
            f"{folder} has {free / 2**20:.0f} MiB free and {size / 2**20:.0f} MiB are needed; free some, "
            "name another folder in TMPDIR, or ask for a smaller --size"
        )
        raise ResourceError(message)


def is_mapped(array: Array) -> bool:
    """Whether an array or what it is a view of is mapped."""
    return _pages(array) is not None


def release(piece: Array) -> None:
    """Let the system take the pages of a piece of a mapped array; its values stay. Does nothing to other arrays."""
    pages = _pages(piece)
    if pages is None or not piece.size:
        return
    origin = np.frombuffer(pages, np.uint8).__array_interface__["data"][0]
    together = piece.ndim != 2 or piece.flags.c_contiguous
    for part in (piece,) if together else piece:  # the rows of a ring lie far apart
        first, last = _reach(part)
        low = max(first // READ_AROUND * READ_AROUND - origin, 0)
        high = min(-(-last // READ_AROUND) * READ_AROUND - origin, len(pages))
        pages.madvise(mmap.MADV_DONTNEED, low, high - low)


def _reach(array: Array) -> tuple[int, int]:
    """Addresses of the first byte and of the one behind the last; a view may run backwards."""
    start = array.__array_interface__["data"][0]
    steps = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    return start + sum(min(step, 0) for step in steps), start + sum(max(step, 0) for step in steps) + array.itemsize


def _pages(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    owner = array.obj if isinstance(array, memoryview) else array
    return owner if isinstance(owner, mmap.mmap) else None


def bands(*arrays: Array) -> Iterator[slice]:
    """Rows of arrays of equal height, some at a time from the top; the pages of each band are released behind it."""
    height, most = len(arrays[0]), max(array.nbytes for array in arrays)
    rows = max(1, BAND * height // max(1, most))
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        yield band
        for array in arrays:
            release(array[band])


def digest(array: Array) -> str:
    """SHA-256 of the values of an array of rows, in hexadecimal."""
    found = hashlib.sha256()
    for band in bands(array):
        found.update(np.ascontiguousarray(array[band]).data)
    return found.hexdigest()


def taken(array: Array, rows: slice, columns: slice) -> Array:
    """A copy of a rectangle; of a mapped array, no more than a band of pages is in memory for it."""
    if not is_mapped(array):
        return np.ascontiguousarray(array[rows, columns])
    source = array[rows, columns]
    made = np.empty(source.shape, source.dtype)
    for band in bands(array[rows]):
        made[band] = source[band]
    return made


def put(array: Array, rows: slice, columns: slice, values: Array) -> None:
    """Write a rectangle, as `taken` reads it."""
    for band in bands(array[rows]):
        array[rows, columns][band] = values[band]


def add(array: Array, rows: slice, columns: slice, values: Array) -> None:
    """Add to a rectangle, as `taken` reads it."""
    for band in bands(array[rows]):
        array[rows, columns][band] += values[band]
