"""Image-sized arrays of a render: in memory, or mapped from a file that the system may write out and forget."""

from __future__ import annotations

import mmap
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from styler.errors import ResourceError

Array: TypeAlias = NDArray[Any]

RESIDENT = frozenset({"image", "trial", "iterate", "gradient"})
"""Buffers that every evaluation reads or writes tile by tile; the others are swept over a few times a step."""


@dataclass
class Buffers:
    """Where the arrays of one octave live; all go when this object does.

    Attributes:
        folder: Where mapped arrays have their files; None keeps everything in memory. The files have no names, so that
            nothing is left behind whatever happens.
        sizes: Name of each buffer -> its bytes, for the report.
        mapped: Names of the buffers that are mapped.
    """

    folder: Path | None = None
    sizes: dict[str, int] = field(default_factory=dict)
    mapped: set[str] = field(default_factory=set)
    _maps: list[tuple[int, int, mmap.mmap]] = field(default_factory=list)

    def zeros(self, name: str, shape: tuple[int, ...]) -> Array:
        """A float32 array of zeros.

        Raises:
            ResourceError: The disk cannot hold it.
        """
        size = int(np.prod(shape)) * 4
        self.sizes[name] = size
        if self.folder is None or name in RESIDENT or not size:
            return np.zeros(shape, np.float32)
        self.mapped.add(name)
        return self._from_file(self.folder, shape, size)

    def release(self, piece: Array) -> None:
        """Let the system take the pages of a piece of a mapped array; its values stay."""
        start = piece.__array_interface__["data"][0]
        for low, high, mapped in self._maps:
            if low <= start < high:
                self._forget(mapped, start - low, piece)

    def _from_file(self, folder: Path, shape: tuple[int, ...], size: int) -> Array:
        check_space(folder, size)
        with tempfile.TemporaryFile(dir=folder, prefix=".styler-") as file:
            file.truncate(size)
            mapped = mmap.mmap(file.fileno(), size)
        array: Array = np.frombuffer(mapped, np.float32).reshape(shape)
        start = array.__array_interface__["data"][0]
        self._maps.append((start, start + size, mapped))
        return array

    @staticmethod
    def _forget(mapped: mmap.mmap, offset: int, piece: Array) -> None:
        """Row by row of a ring; whole pages only, the ones at the ends included."""
        rows = piece if piece.ndim == 2 else piece[None]
        for index in range(len(rows)):
            first = (offset + index * rows.strides[0]) // mmap.PAGESIZE * mmap.PAGESIZE
            last = min(offset + index * rows.strides[0] + rows[index].nbytes, len(mapped))
            mapped.madvise(mmap.MADV_DONTNEED, first, last - first)


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
