"""The picture itself: what is read from a file, rendered, and written to another."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from styler.images.resolution import Resolution
from styler.sources import Source
from styler.types import Size

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pixels: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """An opened image.

    Attributes:
        pixels: float32, sRGB-encoded, 0..1, (height, width, 3); white where nothing shows.
        name: Base name of the file without suffix, or "image".
        notes: What was done to it that its owner may want to know.
        alpha: float32, 0 transparent .. 1 opaque, (height, width); None where all is opaque.
        icc: The RGB profile that the file came with, if a result can be converted into it; else None.
        depth: Bits a channel of the file: 8, 16, or 32 for floats.
        exif: Camera fields and the place, as a TIFF block without orientation; None where there are none.
        resolution: Dots per inch that the file states, None where it states none.
        source: The file that it was read from, None for an image handed over in memory.
    """

    pixels: Pixels
    name: str
    notes: tuple[str, ...] = ()
    alpha: Pixels | None = None
    icc: bytes | None = None
    depth: int = 8
    exif: bytes | None = None
    resolution: Resolution | None = None
    source: Source | None = None
    _hashes: dict[str, str] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def sha256(self) -> str:
        """SHA-256 of what there is to see: float32 colors row by row, then alpha if there is any; worked out once."""
        return self._hash("seen", (self.pixels,) if self.alpha is None else (self.pixels, self.alpha))

    @property
    def pixels_sha256(self) -> str:
        """SHA-256 of the colors alone; worked out once."""
        return self._hash("pixels", (self.pixels,))

    def _hash(self, name: str, arrays: tuple[Pixels, ...]) -> str:
        from styler.images.mapped import bands

        if name not in self._hashes:
            digest = hashlib.sha256()
            for array in arrays:
                for rows in bands(array):
                    digest.update(array[rows].tobytes())
            self._hashes[name] = digest.hexdigest()
        return self._hashes[name]

    @property
    def size(self) -> Size:
        """(height, width) in pixels."""
        return Size(*self.pixels.shape[:2])
