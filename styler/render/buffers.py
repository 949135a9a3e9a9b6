"""Image-sized arrays of a render, in memory or mapped from files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from styler.images.mapped import Array, mapped

BUSY = ("iterate", "trial", "gradient")
"""Buffers that every evaluation reads or writes; they are the first to stay in memory if there is room."""


@dataclass
class Buffers:
    """Makes the arrays of one octave and records their sizes.

    Attributes:
        folder: Folder for the files of mapped arrays; None keeps everything in memory.
        resident: Names of buffers that stay in memory even if `folder` is set.
        sizes: Name of each buffer -> its bytes, for the report.
        mapped: Names of the buffers that are mapped.
    """

    folder: Path | None = None
    resident: frozenset[str] = frozenset()
    sizes: dict[str, int] = field(default_factory=dict)
    mapped: set[str] = field(default_factory=set)

    def zeros(self, name: str, shape: tuple[int, ...]) -> Array:
        """Make a float32 array of zeros.

        Raises:
            ResourceError: The disk cannot hold it.
        """
        size = int(np.prod(shape)) * 4
        self.sizes[name] = size
        in_memory = self.folder is None or name in self.resident or not size
        if in_memory:
            return np.zeros(shape, np.float32)
        self.mapped.add(name)
        return mapped(shape, folder=self.folder)

    def described(self) -> dict[str, dict[str, object]]:
        """Return the bytes of every buffer and whether it is mapped, for the report."""
        return {
            name: {
                "bytes": size,
                "mapped": name in self.mapped,
            }
            for name, size in self.sizes.items()
        }
