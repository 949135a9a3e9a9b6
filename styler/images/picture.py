"""The picture type: what styler reads from a file, renders, and writes to another file."""

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
    """A decoded image.

    Attributes:
        pixels: float32, sRGB-encoded, 0..1, (height, width, 3); white in fully transparent regions.
        name: Base name of the file without suffix, or "image".
        notes: Remarks about the conversion that the user may want to know.
        alpha: float32, from 0 (transparent) to 1 (opaque), (height, width); None if everything is opaque. An image
            that is transparent everywhere is read as opaque and white.
        is_invisible: Whether the image was transparent everywhere; as a mask, it is black.
        icc: RGB profile of the file, if a result can be converted to it; else None.
        depth: Bits per channel of the file: 8, 16, or 32 for floats.
        exif: Camera fields and GPS position, as a TIFF block without orientation; None if there are none.
        resolution: Dots per inch that the file states; None if it states none.
        source: File that the image was read from; None for an image passed in memory.
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
    is_invisible: bool = False
    _hashes: dict[str, str] = field(
        default_factory=dict,
        init=False,
        repr=False,
        compare=False,
    )

    @property
    def sha256(self) -> str:
        """SHA-256 of the visible image: float32 colors row by row, followed by alpha if there is any. It is cached."""
        return self._hash("seen", (self.pixels,) if self.alpha is None else (self.pixels, self.alpha))

    @property
    def pixels_sha256(self) -> str:
        """SHA-256 of the colors without alpha. It is cached."""
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
