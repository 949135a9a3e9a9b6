"""Arrays too large for memory: mapped from unnamed files, with pages released piece by piece.

The system may write mapped pages to disk and drop them from memory, but it does so late. Code that has finished with a
piece of an array therefore releases it, so that little counts against a memory limit however large the image is.
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

LARGE = 2**26  # bytes, 64 MiB: an RGB image of 2,364 x 2,364 floats; for smaller arrays a file is not worth it
BAND = 2**23  # bytes of an image to process at a time; large enough that the overhead per call does not matter
LASTING = Path("/var/tmp")  # on disk by the Filesystem Hierarchy Standard 3.0, 5.15; /tmp is often in memory
READ_AROUND = 2**16  # bytes, aligned: how much Linux maps around a page that is read (fault_around_bytes)


def folder_for_files() -> Path:
    """Return the folder for the files of mapped arrays: TMPDIR if it is set, else a temporary folder on disk.

    If no folder can be written, as in a read-only container, this still returns one. Most pictures need no file; those
    that do raise an error when they create it.
    """
    if "TMPDIR" not in os.environ and os.access(LASTING, os.W_OK):
        return LASTING
    try:
        return Path(tempfile.gettempdir())
    except OSError:
        return Path("/")


def unwritable(cause: Exception) -> ResourceError:
    """Return the error for a temporary file that cannot be created."""
    reason = getattr(cause, "strerror", None) or cause
    return ResourceError(f"cannot write a temporary file in {folder_for_files()}: {reason}; set TMPDIR to a folder")


def mapped(shape: tuple[int, ...], dtype: Any = np.float32, folder: Path | None = None) -> Array:
    """Return an array of zeros that is mapped from an unnamed file, which disappears with the array.

    Args:
        shape: Shape of the array.
        dtype: Type of its elements.
        folder: Folder for the file; None for `folder_for_files()`.

    Raises:
        ResourceError: The disk is too full, or the folder cannot be written.
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


def new_array(shape: tuple[int, ...], dtype: Any = np.float32) -> Array:
    """Return an uninitialized array: mapped from a file if it is large and the disk has room, in memory otherwise."""
    if int(np.prod(shape)) * np.dtype(dtype).itemsize >= LARGE:
        try:
            return mapped(shape, dtype)
        except ResourceError:
            pass
    return np.empty(shape, dtype)


def bytes_in_memory(size: float) -> float:
    """Return how much of an array of this many bytes counts as memory if `new_array` makes it: all of it or nothing."""
    return size if size < LARGE else 0.0


def check_space(folder: Path, size: int) -> None:
    """Check that a disk has enough free space.

    Raises:
        ResourceError: Fewer than `size` bytes are free.
    """
    free = shutil.disk_usage(folder).free
    if free < size:
        message = (
            f"{size / 2**20:.0f} MiB are needed in {folder}, but only {free / 2**20:.0f} MiB are free; "
            "free some space, set TMPDIR to another folder, or choose a smaller --size"
        )
        raise ResourceError(message)


def is_mapped(array: Array) -> bool:
    """Return whether an array, or the array that it is a view of, is mapped."""
    return _pages(array) is not None


def release(piece: Array) -> None:
    """Release the memory of a piece of a mapped array. Its values are kept in the file. Other arrays are unchanged."""
    pages = _pages(piece)
    if pages is None or not piece.size:
        return
    origin = np.frombuffer(pages, np.uint8).__array_interface__["data"][0]
    together = piece.ndim != 2 or piece.flags.c_contiguous
    for part in (piece,) if together else piece:  # the rows of a ring buffer are far apart
        first, last = _reach(part)
        low = max(first // READ_AROUND * READ_AROUND - origin, 0)
        high = min(-(-last // READ_AROUND) * READ_AROUND - origin, len(pages))
        pages.madvise(mmap.MADV_DONTNEED, low, high - low)


def _reach(array: Array) -> tuple[int, int]:
    """Return the address of the first byte and the address after the last byte. A view may run backwards."""
    start = array.__array_interface__["data"][0]
    steps = [(n - 1) * step for n, step in zip(array.shape, array.strides, strict=True)]
    return start + sum(min(step, 0) for step in steps), start + sum(max(step, 0) for step in steps) + array.itemsize


def _pages(array: Any) -> mmap.mmap | None:
    while isinstance(array, np.ndarray):
        array = array.base
    owner = array.obj if isinstance(array, memoryview) else array
    return owner if isinstance(owner, mmap.mmap) else None


def bands(*arrays: Array) -> Iterator[slice]:
    """Yield bands of rows of arrays of equal height, from top to bottom, and release each band after its use."""
    height = len(arrays[0])
    most = max(array.nbytes for array in arrays)
    rows = max(1, BAND * height // max(1, most))
    for top in range(0, height, rows):
        band = slice(top, min(top + rows, height))
        yield band
        for array in arrays:
            release(array[band])


def digest(array: Array) -> str:
    """Return the SHA-256 of the values of an array, in hexadecimal."""
    found = hashlib.sha256()
    for band in bands(array):
        found.update(np.ascontiguousarray(array[band]).data)
    return found.hexdigest()


def taken(array: Array, rows: slice, columns: slice) -> Array:
    """Return a copy of a rectangle. For a mapped array, at most one band of pages is in memory at a time."""
    if not is_mapped(array):
        return np.ascontiguousarray(array[rows, columns])
    source = array[rows, columns]
    made = np.empty(source.shape, source.dtype)
    for band in bands(array[rows]):
        made[band] = source[band]
    return made


def scaled(array: Array, factors: Array) -> Array:
    """Return an array (H, W, C), multiplied by factors (H, W, 1); mapped if it is large."""
    made = new_array(array.shape, array.dtype)
    for rows in bands(made, array, factors):
        made[rows] = array[rows] * factors[rows]
    return made


def put(
    array: Array,
    rows: slice,
    columns: slice,
    values: Array,
) -> None:
    """Write a rectangle, one band at a time."""
    for band in bands(array[rows]):
        array[rows, columns][band] = values[band]


def add(
    array: Array,
    rows: slice,
    columns: slice,
    values: Array,
) -> None:
    """Add values to a rectangle, one band at a time."""
    for band in bands(array[rows]):
        array[rows, columns][band] += values[band]
